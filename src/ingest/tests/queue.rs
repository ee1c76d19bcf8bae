//! The queue alone, with faults of single events.

use std::collections::HashMap;

use proptest::prelude::*;
use trailkeep_event::{Accepted, Arrival};
use trailkeep_store::Outcome;

use super::*;
use crate::ingest::queue::{Entry, Queue};

fn entry(user: u8, number: i64) -> Entry {
    Entry {
        accepted: Arc::new(Accepted {
            event: event(&user.to_string(), &number.to_string()),
            arrival: Arrival::from_i64(number),
        }),
        record: 0,
        since: Instant::now(),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(u8),
    /// Up to so many events.
    Take(usize),
    /// The write that has been in flight for so many others, in which those events
    /// have to be tried again whose bit is set.
    Settle(usize, u64),
    EndPauses,
}

fn step() -> impl Strategy<Value = Step> {
    let faults = prop_oneof![2 => Just(0), 2 => any::<u64>(), 1 => Just(u64::MAX)];
    prop_oneof![
        8 => (0..6_u8).prop_map(Step::Push),
        4 => (1..12_usize).prop_map(Step::Take),
        3 => (0..4_usize, faults).prop_map(|(write, faults)| Step::Settle(write, faults)),
        1 => Just(Step::EndPauses),
    ]
}

/// What must be so, kept in the simplest way.
struct Model {
    queue: Queue,
    next: i64,
    pushed: HashMap<u8, Vec<i64>>,
    left: HashMap<u8, Vec<i64>>,
    in_flight: Vec<Write>,
}

impl Model {
    fn take(&mut self, max_events: usize) {
        let write = self.queue.take(max_events, usize::MAX);
        assert!(write.events.len() <= max_events);
        for other in &self.in_flight {
            let of_other = |event: &Arc<Accepted>| {
                let user = user_of(event);
                other.events.iter().any(|other| user_of(other) == user)
            };
            assert!(!write.events.iter().any(of_other), "one write in flight a user");
        }
        if !write.events.is_empty() {
            self.in_flight.push(write);
        }
    }

    fn settle(&mut self, write: usize, faults: u64) {
        let Some((write, outcomes)) = end_one(&mut self.in_flight, write, faults) else {
            return;
        };
        for (entry, _) in self.queue.settle(&write, &outcomes, |_| Duration::ZERO) {
            let of_user = self.left.entry(user_of(&entry.accepted)).or_default();
            of_user.push(entry.accepted.arrival.as_i64());
        }
    }

    fn check(&self) {
        let in_flight: usize = self.in_flight.iter().map(|write| write.events.len()).sum();
        assert_eq!(self.queue.in_flight(), in_flight);
        let mut waiting = 0;
        for (user, pushed) in &self.pushed {
            let left = self.left.get(user).map_or(&[][..], Vec::as_slice);
            assert!(pushed.starts_with(left), "user {user}'s events leave in order");
            let still = self.queue.of_user(&user.to_string());
            let still: Vec<i64> = still.iter().map(|event| event.arrival.as_i64()).collect();
            assert_eq!(still, pushed[left.len()..], "and the others are there, in order");
            waiting += still.len();
        }
        assert_eq!(self.queue.len(), waiting);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn in_order_events_of_one_user_leave_as_they_came_whichever_have_to_be_tried_again(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut model = Model {
            queue: Queue::default(),
            next: 0,
            pushed: HashMap::new(),
            left: HashMap::new(),
            in_flight: Vec::new(),
        };
        for step in steps {
            match step {
                Step::Push(user) => {
                    model.next += 1;
                    model.queue.push(entry(user, model.next));
                    model.pushed.entry(user).or_default().push(model.next);
                }
                Step::Take(max_events) => model.take(max_events),
                Step::Settle(write, faults) => model.settle(write, faults),
                Step::EndPauses => model.queue.end_pauses(Instant::now(), true),
            }
            model.check();
        }
        // And all of them do in the end.
        while model.queue.len() > 0 {
            model.queue.end_pauses(Instant::now(), true);
            model.take(50);
            model.settle(0, 0);
        }
        model.check();
        prop_assert_eq!(model.queue.waiting(), 0);
    }
}

#[test]
fn users_take_turns_so_that_none_who_sends_all_the_time_keeps_the_others_out() {
    let mut queue = Queue::default();
    for number in 0..100 {
        queue.push(entry(1, number));
    }
    queue.push(entry(2, 100));
    let first = queue.take(10, usize::MAX);
    let stored = vec![Outcome::Stored; 10];
    queue.settle(&first, &stored, |_| Duration::ZERO);
    let second = queue.take(10, usize::MAX);
    assert!(second.events.iter().any(|event| user_of(event) == 2));
}

#[test]
fn a_write_has_no_more_bytes_than_it_may_but_for_a_single_event() {
    let size = entry(1, 1).accepted.event.size();
    let mut queue = Queue::default();
    for number in 0..10 {
        queue.push(entry(u8::try_from(number).unwrap() % 3, number));
    }
    assert_eq!(queue.take(100, 4 * size).events.len(), 4);
    assert_eq!(queue.take(100, size / 2).events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_tried_in_vain_again_and_again_waits_longer_each_time() {
    let mut queue = Queue::default();
    queue.push(entry(1, 1));
    for tries in 0..5 {
        let write = queue.take(1, usize::MAX);
        queue.settle(&write, &[Outcome::Retry], |tried| {
            assert_eq!(tried, tries);
            Duration::from_secs(1)
        });
        assert!(queue.take(1, usize::MAX).events.is_empty(), "it is held");
        queue.end_pauses(Instant::now(), false);
        assert_eq!(queue.waiting(), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        queue.end_pauses(Instant::now(), false);
        assert_eq!(queue.waiting(), 1);
    }
}
