//! The ring of events that were accepted last.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use tokio::time::advance;
use trailkeep_event::Arrival;

use super::*;
use crate::ingest::recent::{Behind, Found, Look, Reader, Recent};

const ALL: Amount = Amount { events: usize::MAX, bytes: usize::MAX };

/// An event that says by its arrival number which one it is.
fn numbered(number: u64, user: &str) -> Arc<Accepted> {
    let arrival = Arrival::from_i64(i64::try_from(number).unwrap());
    Arc::new(Accepted { event: event(user, &number.to_string()), arrival })
}

fn number(found: &Found) -> u64 {
    u64::try_from(found.1.arrival.as_i64()).unwrap()
}

fn read(reader: &mut Reader) -> Result<Vec<u64>, Behind> {
    Ok(reader.read(ALL, |_| Look::Take)?.iter().map(number).collect())
}

#[derive(Debug, Clone)]
enum Step {
    Push(u64),
    /// One of the readers reads so many at the most.
    Read(usize, usize),
    /// One of them goes away, and another comes that goes on where it was.
    Resume(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..9_u64).prop_map(Step::Push),
        3 => (0..3_usize, 1..9_usize).prop_map(|(reader, most)| Step::Read(reader, most)),
        1 => (0..3_usize).prop_map(Step::Resume),
    ]
}

/// What one reader is to find next.
struct Expected {
    reader: Reader,
    next: u64,
}

impl Expected {
    fn is_told_all(&mut self, most: usize, pushed: u64) {
        match self.reader.read(Amount { events: most, ..ALL }, |_| Look::Take) {
            Ok(found) => {
                let numbers: Vec<u64> = found.iter().map(number).collect();
                let wanted: Vec<u64> = (self.next..).take(numbers.len()).collect();
                assert_eq!(numbers, wanted, "in order, and none left out");
                let is_at_end = self.next + numbers.len() as u64 == pushed;
                assert!(numbers.len() == most || is_at_end, "as many as there are");
                self.next += numbers.len() as u64;
            }
            Err(Behind) => self.next = pushed,
        }
    }

    fn resumes(&mut self, recent: &Arc<Recent>, pushed: u64) {
        let position = self.reader.position();
        self.reader = recent.reader();
        if !self.reader.go_back_to(position) {
            self.next = pushed;
        }
    }
}

proptest! {
    #[test]
    fn a_reader_is_told_every_event_in_order_or_that_there_is_a_gap(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let most = Amount { events: 10, bytes: 9 * numbered(0, "u").event.size() };
        let recent = Arc::new(Recent::new(most));
        let mut readers: Vec<Expected> =
            (0..3).map(|_| Expected { reader: recent.reader(), next: 0 }).collect();
        let mut pushed = 0;
        for step in steps {
            match step {
                Step::Push(count) => {
                    let batch: Vec<_> =
                        (pushed..pushed + count).map(|number| numbered(number, "u")).collect();
                    recent.push(&batch);
                    pushed += count;
                }
                Step::Read(reader, most) => readers[reader].is_told_all(most, pushed),
                Step::Resume(reader) => readers[reader].resumes(&recent, pushed),
            }
            prop_assert!(recent.held().is_within(most));
        }
    }
}

#[test]
fn readers_beside_a_writer_are_told_of_every_hole() {
    let recent = Arc::new(Recent::new(Amount { events: 500, bytes: usize::MAX }));
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for most in [1, 7, 1000] {
            let mut reader = recent.reader();
            let is_done = &is_done;
            scope.spawn(move || {
                let mut next = 0;
                loop {
                    let was_done = is_done.load(Ordering::Acquire);
                    match reader.read(Amount { events: most, ..ALL }, |_| Look::Take) {
                        Ok(found) if found.is_empty() && was_done => return,
                        Ok(found) => {
                            for one in found {
                                assert!(next == 0 || number(&one) == next, "a hole untold");
                                next = number(&one) + 1;
                            }
                        }
                        Err(Behind) => next = 0,
                    }
                }
            });
        }
        for number in 1..20_000 {
            recent.push(&[numbered(number, "u")]);
        }
        is_done.store(true, Ordering::Release);
    });
}

#[test]
fn while_nobody_reads_nothing_is_kept() {
    let recent = Arc::new(Recent::default());
    let first = numbered(1, "u");
    recent.push(std::slice::from_ref(&first));
    assert_eq!(recent.held(), Amount::default());
    assert_eq!(Arc::strong_count(&first), 1);
    let mut reader = recent.reader();
    assert_eq!(read(&mut reader), Ok(vec![]));
    recent.push(&[numbered(2, "u")]);
    assert_eq!(read(&mut reader), Ok(vec![2]));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_within_a_minute_finds_what_came_in_between() {
    let recent = Arc::new(Recent::default());
    let position = recent.reader().position();
    advance(Duration::from_secs(59)).await;
    recent.push(&[numbered(1, "u")]);
    let mut reader = recent.reader();
    assert!(reader.go_back_to(position));
    assert_eq!(read(&mut reader), Ok(vec![1]));
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_without_readers_nothing_is_kept_and_that_is_a_gap() {
    let recent = Arc::new(Recent::default());
    let position = recent.reader().position();
    recent.push(&[numbered(1, "u")]);
    advance(Duration::from_secs(61)).await;
    recent.push(&[numbered(2, "u")]);
    assert_eq!(recent.held(), Amount::default());
    let mut reader = recent.reader();
    for unknown in [position, position + 1, u64::MAX] {
        assert!(!reader.go_back_to(unknown), "{unknown}");
    }
    assert_eq!(read(&mut reader), Ok(vec![]));
}

#[test]
fn an_event_larger_than_the_ring_is_a_gap() {
    let recent = Arc::new(Recent::new(Amount { events: 10, bytes: 10 }));
    let mut reader = recent.reader();
    recent.push(&[numbered(1, "u")]);
    assert_eq!(read(&mut reader), Err(Behind));
    assert_eq!(read(&mut reader), Ok(vec![]));
}

#[test]
fn a_reader_takes_what_it_wants_and_stops_where_it_wants() {
    let recent = Arc::new(Recent::default());
    let mut reader = recent.reader();
    let batch: Vec<_> = (0..3000)
        .map(|number| numbered(number, if number % 1000 == 1 { "ann" } else { "ben" }))
        .collect();
    recent.push(&batch);
    let ann = [reader.hash("ann")];
    let found = reader.read(ALL, |kept| match kept.may_be_of(&ann) {
        true if kept.accepted().arrival.as_i64() == 1001 => Look::TakeAndStop,
        true => Look::Take,
        false => Look::Pass,
    });
    assert_eq!(found.unwrap().iter().map(number).collect::<Vec<_>>(), [1, 1001]);
    assert_eq!(reader.position(), 1002);
    assert_eq!(reader.skip_to_the_last(2000), 0);
    assert_eq!((reader.skip_to_the_last(98), reader.position()), (1900, 2902));
    assert_eq!((reader.skip_to_the_last(0), reader.position()), (98, 3000));
    let mut seen = 0;
    reader.look_back(|kept| seen += usize::from(kept.may_name(&ann)));
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn news_is_told_of_what_came_before_and_after_it_was_waited_for() {
    let recent = Arc::new(Recent::default());
    let mut reader = recent.reader();
    recent.push(&[numbered(1, "u")]);
    reader.news().await;
    assert_eq!(read(&mut reader), Ok(vec![1]));
    let (pushing, other) = (Arc::clone(&recent), recent.reader());
    let waits = tokio::spawn(async move { other.news().await });
    tokio::task::yield_now().await;
    pushing.push(&[numbered(2, "u")]);
    waits.await.unwrap();
}
