//! Whose ids are whose, compared with the contract's own words.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId};
use trailkeep_store::people::{Decision, PeopleStore as _, Person};

use super::at;
use super::walks::{admit, block_on, ingest};
use crate::journeys::linked::{Circle, Links};
use crate::people::facts;
use crate::people::tests::memory_people::MemoryPeople;

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// What an event says: who sent it, beside which other id, and whether it is an `identify`.
#[derive(Debug, Clone)]
struct Said {
    user: &'static str,
    anonymous: Option<&'static str>,
    is_identify: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let id = || proptest::sample::select(IDS.to_vec());
    (id(), proptest::option::weighted(0.7, id()), proptest::bool::weighted(0.15))
        .prop_map(|(user, anonymous, is_identify)| Said { user, anonymous, is_identify })
}

impl Said {
    fn event(&self, number: usize) -> Event {
        let event_id = format!("e-{number}");
        Event {
            id: StoreId::derive(self.user, &event_id),
            user_id: self.user.into(),
            event_id: event_id.into(),
            kind: if self.is_identify { "identify" } else { "page_view" }.into(),
            anonymous_id: self.anonymous.map(Into::into),
            session_id: None,
            account_id: None,
            payload: Payload::empty(),
            occurred_at: at(0),
            received_at: at(0),
        }
    }

    fn is_both(&self) -> bool {
        self.anonymous.is_some_and(|anonymous| anonymous != self.user)
    }

    /// Sent alone, an anonymous id is nobody's user.
    fn says_user(&self) -> bool {
        self.is_both() || (self.is_identify && self.anonymous.is_none())
    }
}

/// Of each id that is linked: whose it is, and up to which number.
fn naive(all: &[Said]) -> BTreeMap<&'static str, (&'static str, Option<usize>)> {
    let linked = |id: &'static str| {
        let both = || all.iter().enumerate().filter(|(_, said)| said.is_both());
        let mut claims = both().filter(|(_, said)| said.anonymous == Some(id));
        let (since, first) = claims.next()?;
        let other = claims.find(|(_, said)| said.user != first.user).map(|(number, _)| number);
        let mut own =
            all.iter().enumerate().filter(|(_, said)| said.user == id && said.says_user());
        let own = own.next().map(|(number, _)| number);
        if own.is_some_and(|own| own <= since) {
            return None;
        }
        Some((id, (first.user, other.into_iter().chain(own).min())))
    };
    IDS.into_iter().filter_map(linked).collect()
}

/// The first of all events, stored in any order; the others wait.
#[derive(Debug)]
struct World {
    all: Vec<Said>,
    /// What is stored, by its place, some of it twice.
    stored: Vec<usize>,
    waiting_from: usize,
}

fn world() -> impl Strategy<Value = World> {
    proptest::collection::vec(said(), 0..14)
        .prop_flat_map(|all| {
            let most = all.len();
            (Just(all), 0..=most)
        })
        .prop_flat_map(|(all, waiting_from)| {
            let twice: Vec<usize> = (0..waiting_from).chain(0..waiting_from / 2).collect();
            (Just(all), Just(twice).prop_shuffle(), Just(waiting_from))
        })
        .prop_map(|(all, stored, waiting_from)| World { all, stored, waiting_from })
}

impl World {
    async fn check(&self) -> Result<(), TestCaseError> {
        let people = Arc::new(MemoryPeople::default());
        for &number in &self.stored {
            let arrival = Arrival::from_i64(number as i64);
            let accepted = Accepted { event: self.all[number].event(number), arrival };
            let mut said = vec![facts::of_user(&accepted)];
            said.extend(facts::of_anonymous(&accepted));
            people.merge_in(&said).await.unwrap();
        }
        let (ingest, _, _) = ingest(100);
        let mut numbers: Vec<i64> = (0..self.waiting_from as i64).collect();
        for (number, said) in self.all.iter().enumerate().skip(self.waiting_from) {
            admit(&ingest, vec![said.event(number)]).await;
            let waiting = ingest.of_user(said.user).0;
            numbers.push(waiting.last().unwrap().arrival.as_i64());
        }
        let links = Links::new(people, ingest);
        let expected = naive(&self.all);
        for id in IDS {
            let circle: Circle = links.of(id).await.unwrap();
            let linked_to = expected.get(id).map(|(user, _)| *user);
            let found = circle.linked_to();
            prop_assert_eq!(found.as_deref(), linked_to, "whose {} is", id);
            let mut found: Vec<(&str, Option<i64>)> = circle
                .linked
                .iter()
                .map(|linked| (&*linked.id, linked.until.map(Arrival::as_i64)))
                .collect();
            found.sort_unstable();
            let of_id = expected.iter().filter(|(_, (user, _))| *user == id);
            let of_id: Vec<(&str, Option<i64>)> = of_id
                .map(|(linked, (_, until))| (*linked, until.map(|until| numbers[until])))
                .collect();
            prop_assert_eq!(found, of_id, "who {} is besides", id);
        }
        Ok(())
    }
}

#[test]
fn what_is_read_meanwhile_counts_where_nobody_else_is_linked() {
    block_on(async {
        let people = Arc::new(MemoryPeople::default());
        let (ingest, _, _) = ingest(100);
        let links = Links::new(Arc::clone(&people) as _, ingest);
        assert_eq!(links.beside("ann", async { 1 }).await.unwrap().1, Some(1));

        let decided = |at_ms, user: Option<&str>| {
            let user = user.map(Into::into);
            Person::new("device").decided(Decision { at: at(at_ms), by: "eve".into(), user })
        };
        people.merge_in(&[decided(1, Some("ann"))]).await.unwrap();
        let (circle, own) = links.beside("ann", async { 1 }).await.unwrap();
        assert_eq!((circle.linked.len(), own), (1, None));
        let unread = async { panic!("others are known to be linked") };
        assert_eq!(links.beside::<()>("ann", unread).await.unwrap().1, None);

        people.merge_in(&[decided(2, None)]).await.unwrap();
        assert_eq!(links.beside("ann", async { 1 }).await.unwrap().1, None, "it is found alone");
        assert_eq!(links.beside("ann", async { 1 }).await.unwrap().1, Some(1));
    });
}

proptest! {
    #[test]
    fn whose_an_id_is_depends_on_no_order_of_storing(world in world()) {
        block_on(world.check())?;
    }
}
