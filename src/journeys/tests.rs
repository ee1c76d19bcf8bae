#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod linked;
mod memory_store;
mod pages;
pub(crate) mod walks;
mod ways;

use proptest::prelude::*;

use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};
use trailkeep_store::{Id, JourneyRange, Order, StoredEvent};

/// Few moments, so that most events share theirs with another.
const MOMENTS: i64 = 4;

fn at(moment: i64) -> Timestamp {
    Timestamp::from_millis_clamped(1_765_794_600_000 + moment)
}

/// What distinguishes one event of a test from another.
#[derive(Debug, Clone)]
struct Spec {
    user: &'static str,
    /// Events with the same number have the same identity.
    number: u8,
    moment: i64,
    kind: &'static str,
    session: Option<&'static str>,
}

fn spec() -> impl Strategy<Value = Spec> {
    (
        proptest::sample::select(vec!["ann", "ann", "ann", "ann", "bob"]),
        0_u8..16,
        0..MOMENTS,
        proptest::sample::select(vec!["search", "page_view"]),
        proptest::sample::select(vec![None, Some("s-1"), Some("s-2")]),
    )
        .prop_map(|(user, number, moment, kind, session)| Spec {
            user,
            number,
            moment,
            kind,
            session,
        })
}

impl Spec {
    fn event(&self) -> Event {
        let event_id = format!("e-{}", self.number);
        Event {
            id: StoreId::derive(self.user, &event_id),
            user_id: self.user.into(),
            event_id: event_id.into(),
            kind: self.kind.into(),
            anonymous_id: None,
            session_id: self.session.map(Into::into),
            account_id: None,
            payload: Payload::empty(),
            occurred_at: at(self.moment),
            received_at: at(0),
        }
    }

    fn accepted(&self, arrival: i64) -> Accepted {
        Accepted { event: self.event(), arrival: Arrival::from_i64(arrival) }
    }
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Ascending), Just(Order::Descending)]
}

fn whole(order: Order) -> JourneyRange {
    JourneyRange {
        ids: vec![Id::whole("ann")],
        from: None,
        to: None,
        after: None,
        order,
        types: Vec::new(),
        session_id: None,
    }
}

/// Whose journey it is: mostly one user's alone.
fn ids() -> impl Strategy<Value = Vec<Id>> {
    // Numbers of what is stored in a test, and of what waits.
    let first = Arrival::first_at(at(0)).as_i64();
    let number = prop_oneof![0_i64..4, (0_i64..20).prop_map(move |count| first + (count << 8))];
    let until = proptest::option::of(number.prop_map(Arrival::from_i64));
    (0..4, until).prop_map(|(which, until)| {
        let (ann, bob) = (Id::whole("ann"), Id { id: "bob".to_owned(), until });
        match which {
            0 => vec![ann, bob],
            1 => vec![bob, ann],
            _ => vec![ann],
        }
    })
}

fn range() -> impl Strategy<Value = JourneyRange> {
    let moment = || proptest::option::weighted(0.3, (0..MOMENTS).prop_map(at));
    let types = vec![vec![], vec![], vec!["search"], vec!["search", "page_view"]];
    let sessions = vec![None, None, Some("s-1"), Some("s-3")];
    (
        ids(),
        order(),
        moment(),
        moment(),
        proptest::sample::select(types),
        proptest::sample::select(sessions),
    )
        .prop_map(|(ids, order, from, to, types, session)| JourneyRange {
            ids,
            from,
            to,
            types: types.into_iter().map(str::to_owned).collect(),
            session_id: session.map(str::to_owned),
            ..whole(order)
        })
}

/// The journey as the contract tells it: what matches, by time, then by
/// arrival, then by id. Says so in other words than the code under test.
fn journey_of<'a>(
    events: impl IntoIterator<Item = &'a StoredEvent>,
    range: &JourneyRange,
) -> Vec<StoredEvent> {
    let mut journey: Vec<StoredEvent> = events
        .into_iter()
        .filter(|event| {
            let of_event = range.ids.iter().find(|id| *id.id == *event.user_id);
            let end = of_event.map(|id| id.until.map_or(i64::MAX, Arrival::as_i64));
            end.is_some_and(|end| event.arrival.as_i64() < end)
        })
        .filter(|event| range.from.is_none_or(|from| from <= event.occurred_at))
        .filter(|event| range.to.is_none_or(|to| event.occurred_at <= to))
        .filter(|event| range.types.is_empty() || range.types.contains(&event.kind.to_string()))
        .filter(|event| match &range.session_id {
            None => true,
            Some(wanted) => event.session_id.as_deref() == Some(&**wanted),
        })
        .cloned()
        .collect();
    journey.sort_by_key(|event| (event.occurred_at, event.arrival, *event.id.as_bytes()));
    if range.order == Order::Descending {
        journey.reverse();
    }
    let Some(after) = range.after else {
        return journey;
    };
    journey
        .into_iter()
        .skip_while(|event| match range.order {
            Order::Ascending => event.position() <= after,
            Order::Descending => event.position() >= after,
        })
        .collect()
}
