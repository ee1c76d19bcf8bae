//! What a reader of the service was given against what was answered.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use trailkeep_testkit::trouble::Trouble;

use crate::content::Hash;
use crate::oracle::{Answer, Batch, Sent};
use crate::reader::{Direction, LARGEST_PAGE, Query, Read, Reader, in_pages};

/// One in so many journeys is read again: one of each producer.
const READ_AGAIN: usize = 3;
/// Journeys that are read at once.
const AT_ONCE: usize = 4;

/// What may be in a user's journey, by event id.
#[derive(Default)]
struct Expected(HashMap<String, Event>);

struct Event {
    place: (i64, i64),
    hash: Hash,
    /// Whether it has to be there: it was accepted, and no damage may have taken it.
    is_certain: bool,
}

/// The journeys of some users as they have to be.
pub struct Journeys(BTreeMap<String, Expected>);

impl Journeys {
    /// Those of the users whose names begin so.
    pub fn of(beginning: &str, batches: &[Batch], hit: &HashSet<usize>) -> Self {
        let mut journeys: BTreeMap<String, Expected> = BTreeMap::new();
        for (place, batch) in batches.iter().enumerate() {
            if batch.answer == Answer::Refused {
                continue;
            }
            let is_certain = batch.answer == Answer::Accepted && !hit.contains(&place);
            for event in batch.events.iter().filter(|event| event.user.starts_with(beginning)) {
                let Expected(events) = journeys.entry(event.user.clone()).or_default();
                events.insert(event.event_id.clone(), Event::of(event, is_certain));
            }
        }
        Self(journeys)
    }

    /// Reads each of them in pages as large as can be, and some of them again in
    /// several, in both directions; counts what is wrong.
    pub async fn read(&self, reader: &Reader) -> Result<u64, Trouble> {
        let journeys = stream::iter(self.0.iter().enumerate());
        let misread = journeys.map(|(place, (user, expected))| async move {
            let mut ways = vec![(Direction::NewestFirst, LARGEST_PAGE)];
            if place.is_multiple_of(READ_AGAIN) {
                let part = in_pages(expected.0.len());
                ways.extend([(Direction::NewestFirst, part), (Direction::OldestFirst, part)]);
            }
            let mut wrong = 0;
            for (direction, limit) in ways {
                let read = reader.journey(Query::all_of(user, direction, limit)).await?;
                let misread = expected.compare(direction, read);
                if misread > 0 {
                    eprintln!("{user}, {direction:?}, {limit} on a page: {misread} are misread");
                }
                wrong += misread;
            }
            Ok(wrong)
        });
        misread
            .buffer_unordered(AT_ONCE)
            .try_fold(0, |all, wrong| async move { Ok(all + wrong) })
            .await
    }
}

impl Event {
    fn of(sent: &Sent, is_certain: bool) -> Self {
        Self { place: sent.place(), hash: sent.hash, is_certain }
    }
}

impl Expected {
    /// Counts the events that are missing, that nobody sent or that were refused,
    /// that come twice or with another content; and those that do not come behind
    /// what belongs in front of them. What was not answered has no place among
    /// those of its time: nobody knows when it arrived.
    fn compare(&self, direction: Direction, mut read: Vec<Read>) -> u64 {
        if direction == Direction::NewestFirst {
            read.reverse();
        }
        let (mut wrong, mut certain, mut seen) = (0, 0, HashSet::new());
        let (mut last_time, mut last_place) = (i64::MIN, (i64::MIN, 0));
        for event in &read {
            let is_new = seen.insert(&event.event_id);
            let Some(expected) = self.0.get(&event.event_id).filter(|_| is_new) else {
                wrong += 1;
                continue;
            };
            let hash = event.content.as_ref().map(|content| content.hash());
            let is_behind = event.occurred_at >= last_time
                && (!expected.is_certain || expected.place > last_place);
            wrong += u64::from(hash != Some(expected.hash) || !is_behind);
            last_time = event.occurred_at;
            if expected.is_certain {
                last_place = expected.place;
                certain += 1;
            }
        }
        let wanted = self.0.values().filter(|event| event.is_certain).count() as u64;
        wrong + (wanted - certain)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;
    use crate::content::Content;
    use crate::oracle::Span;

    /// Accepted, the last one late; not answered; refused.
    fn contents() -> (Vec<Content>, Vec<Batch>) {
        let mut rng = StdRng::seed_from_u64(5);
        let contents: Vec<Content> = [(1, 20), (2, 20), (3, 10), (4, 20), (5, 30)]
            .map(|(number, time)| Content::draw("u", number, time, &mut rng))
            .into();
        let batch = |events: &[Content], answer| Batch {
            events: events.iter().map(Sent::from).collect(),
            answer,
            kept_by: vec![0],
            while_sent: Span::now(),
        };
        let batches = vec![
            batch(&contents[..3], Answer::Accepted),
            batch(&contents[3..4], Answer::None),
            batch(&contents[4..], Answer::Refused),
        ];
        (contents, batches)
    }

    /// How many are wrong where these of them are read in this order.
    fn wrong(places: &[usize], direction: Direction) -> u64 {
        let (contents, batches) = contents();
        let Journeys(journeys) = Journeys::of("u", &batches, &HashSet::new());
        let read = places.iter().map(|place| {
            let content = contents[*place].clone();
            Read {
                event_id: content.event_id.clone(),
                occurred_at: content.occurred_at,
                content: Some(content),
            }
        });
        journeys["u"].compare(direction, read.collect())
    }

    #[test]
    fn a_journey_in_its_order_is_right_with_what_was_not_answered_or_without() {
        assert_eq!(wrong(&[2, 0, 1], Direction::OldestFirst), 0);
        assert_eq!(wrong(&[2, 0, 3, 1], Direction::OldestFirst), 0);
        assert_eq!(wrong(&[1, 0, 2], Direction::NewestFirst), 0);
    }

    #[test]
    fn what_is_missing_misplaced_doubled_or_refused_is_wrong() {
        assert_eq!(wrong(&[2, 1], Direction::OldestFirst), 1, "missing");
        assert_eq!(wrong(&[2, 1, 0], Direction::OldestFirst), 1, "sent in another order");
        assert_eq!(wrong(&[0, 1, 2], Direction::OldestFirst), 1, "a late one in the place it came");
        assert_eq!(wrong(&[2, 0, 0, 1], Direction::OldestFirst), 1, "doubled");
        assert_eq!(wrong(&[2, 0, 1, 4], Direction::OldestFirst), 1, "refused");
        assert_eq!(wrong(&[2, 0, 1], Direction::NewestFirst), 2, "the wrong way");
    }

    #[test]
    fn another_content_is_wrong() {
        let (contents, batches) = contents();
        let Journeys(journeys) = Journeys::of("u", &batches[..1], &HashSet::new());
        let read = [2, 0, 1].map(|place| {
            let mut content = contents[place].clone();
            content.filler.push('x');
            let (event_id, occurred_at) = (content.event_id.clone(), content.occurred_at);
            Read { event_id, occurred_at, content: Some(content) }
        });
        assert_eq!(journeys["u"].compare(Direction::OldestFirst, read.into()), 3);
    }
}
