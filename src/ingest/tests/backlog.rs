//! The backlog alone, with faults of single events, crashes and restarts, and a
//! journal that is a list.

use std::collections::HashMap;

use proptest::prelude::*;
use trailkeep_event::{Accepted, Arrival};
use trailkeep_journal::{Appended, Mark, Place};

use super::*;
use crate::ingest::backlog::Backlog;
use crate::ingest::quota::Quota;
use crate::ingest::record::Batch;

/// Small, so that most is beyond it.
const HEAD: Amount = Amount { events: 12, bytes: 4000 };

#[derive(Debug, Clone)]
enum Step {
    /// A batch: the user of each event.
    Arrive(Vec<u8>),
    Take(usize),
    /// The write that has been in flight for so many others, in which those events
    /// have to be tried again whose bit is set.
    Settle(usize, u64),
    ReadBack,
    EndPauses,
    /// The journal keeps the low watermark up to here, and the process is killed.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let faults = prop_oneof![2 => Just(0), 2 => any::<u64>()];
    prop_oneof![
        6 => prop::collection::vec(0..5_u8, 1..8).prop_map(Step::Arrive),
        4 => (1..12_usize).prop_map(Step::Take),
        4 => (0..3_usize, faults).prop_map(|(write, faults)| Step::Settle(write, faults)),
        4 => Just(Step::ReadBack),
        1 => Just(Step::EndPauses),
        1 => Just(Step::Kill),
    ]
}

/// A record of the list.
#[derive(Clone)]
struct Kept {
    events: Vec<Arc<Accepted>>,
    bytes: usize,
    at: Appended,
}

struct Model {
    backlog: Backlog,
    room: Room,
    journal: Vec<Kept>,
    end: Mark,
    next: i64,
    in_flight: Vec<Write>,
    /// Numbers of each user that left, the first time each.
    left: HashMap<u8, Vec<i64>>,
    arrived: HashMap<u8, Vec<i64>>,
}

use crate::ingest::room::Room;

fn shares() -> Shares {
    Shares { per_account: 50, per_key: 50 }
}

impl Model {
    fn new() -> Self {
        let none = Mark::default();
        Self {
            backlog: Backlog::new(Quota::new(HEAD, shares()), HEAD, none, none, Arc::default()),
            room: Room::new(LIMIT),
            journal: Vec::new(),
            end: none,
            next: 0,
            in_flight: Vec::new(),
            left: HashMap::new(),
            arrived: HashMap::new(),
        }
    }

    fn batch(events: Vec<Arc<Accepted>>) -> Batch {
        let key = Some("key".into());
        Batch { events, key }
    }

    fn arrive(&mut self, users: &[u8]) {
        let mut events = Vec::new();
        for &user in users {
            self.next += 1;
            let event = event(&user.to_string(), &self.next.to_string());
            let arrival = Arrival::from_i64(self.next);
            events.push(Arc::new(Accepted { event, arrival }));
            self.arrived.entry(user).or_default().push(self.next);
        }
        let bytes = 40 + 100 * users.len();
        let start = self.end.place;
        self.end.place.offset += bytes as u64;
        self.end.totals = self.end.totals.and(u32::try_from(users.len()).unwrap(), bytes as u64);
        let at = Appended { start, end: self.end };
        let kept = Kept { events, bytes, at };
        self.journal.push(kept.clone());
        self.room.take_found(Amount { events: users.len(), bytes });
        let batch = Self::batch(kept.events);
        let events = batch.events.iter().map(|accepted| &accepted.event);
        self.backlog.quota().charge_promised(events, batch.key.as_ref());
        self.backlog.arrive(batch, at, None);
    }

    fn take(&mut self, max_events: usize) {
        let write = self.backlog.take(max_events, usize::MAX);
        if !write.events.is_empty() {
            self.in_flight.push(write);
        }
    }

    fn settle(&mut self, write: usize, faults: u64) {
        let Some((write, outcomes)) = end_one(&mut self.in_flight, write, faults) else {
            return;
        };
        let settled = self.backlog.settle(&write, &outcomes, |_| Duration::ZERO);
        self.room.release(settled.room);
        for (entry, _) in settled.left {
            let number = entry.accepted.arrival.as_i64();
            let of_user = self.left.entry(user_of(&entry.accepted)).or_default();
            // After a restart some come again.
            if !of_user.contains(&number) {
                of_user.push(number);
            }
        }
    }

    /// Reads the oldest record that is beyond, as far as there is room.
    fn read_back(&mut self) {
        let Some((from, up_to)) = self.backlog.wanted() else {
            return;
        };
        let mut records = self.journal.iter();
        let Some(next) = records.find(|kept| kept.at.start >= from) else {
            assert_eq!(self.backlog.read_up_to(up_to), Amount::default());
            return;
        };
        let batch = Self::batch(next.events.clone());
        let need = Amount { events: batch.events.len(), bytes: next.bytes };
        if self.backlog.has_room_for(need) {
            self.backlog.take_back(batch, next.at.end.place, next.bytes);
        }
    }

    fn end_pauses(&mut self) {
        self.backlog.end_pauses();
    }

    fn kill(&mut self) {
        let low = self.backlog.low();
        let quota = Quota::new(HEAD, shares());
        self.backlog = Backlog::new(quota, HEAD, low, self.end, Arc::default());
        self.room = Room::new(LIMIT);
        self.room.take_found(self.backlog.held());
        self.in_flight.clear();
        let held = self.end.totals.since(low.totals).weight;
        assert_eq!(self.backlog.held().events as u64, held);
    }

    fn check(&self) {
        let low = self.backlog.low().place;
        for kept in &self.journal {
            let has_left = |event: &Arc<Accepted>| {
                let left = self.left.get(&user_of(event));
                left.is_some_and(|left| left.contains(&event.arrival.as_i64()))
            };
            let is_forgotten = kept.at.end.place <= low;
            assert!(
                !is_forgotten || kept.events.iter().all(has_left),
                "the low watermark is behind an event that is not settled"
            );
        }
        for (user, arrived) in &self.arrived {
            let left = self.left.get(user).map_or(&[][..], Vec::as_slice);
            assert!(arrived.starts_with(left), "user {user}'s events leave in order");
        }
        let held = self.backlog.held();
        let taken = Amount {
            events: LIMIT.events - self.room.free().events,
            bytes: LIMIT.bytes - self.room.free().bytes,
        };
        assert_eq!(held, taken, "room is taken by what is held, and by nothing else");
        assert!(self.backlog.head_len() <= HEAD.events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn one_place_for_full_room_is_taken_by_what_is_held_until_that_is_settled(
        steps in prop::collection::vec(step(), 1..100),
    ) {
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Arrive(users) => model.arrive(&users),
                Step::Take(max_events) => model.take(max_events),
                Step::Settle(write, faults) => model.settle(write, faults),
                Step::ReadBack => model.read_back(),
                Step::EndPauses => model.end_pauses(),
                Step::Kill => model.kill(),
            }
            model.check();
        }
        let mut rounds = 0;
        while model.backlog.held().events > 0 {
            rounds += 1;
            prop_assert!(rounds < 10_000, "{:?}", model.backlog.snapshot());
            model.end_pauses();
            model.read_back();
            model.take(5);
            model.settle(0, 0);
        }
        model.check();
        prop_assert_eq!(model.backlog.low(), model.end);
        prop_assert_eq!(model.left, model.arrived, "all of them, each user's in order");
        prop_assert!(model.backlog.is_held_by_nobody());
        let nowhere = Place::default();
        prop_assert!(model.backlog.low().place > nowhere || model.journal.is_empty());
    }
}
