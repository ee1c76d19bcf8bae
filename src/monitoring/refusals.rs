//! The last requests with events that were refused, grouped by why and by whom: what a
//! person looks at to find the tracker that sends what is not taken.
//!
//! *Nothing of an event is kept.* Of one example a group has which fields were at fault,
//! and in which way; whoever notes it leaves values out.
//!
//! *Bounded, and cheap in a flood.* A reason has [`GROUPS`] groups, of which the one that
//! is quiet for longest gives way: so a flood of one reason drives out none of another.
//! An example is made for a new group, and else once a second at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ipnet::IpNet;
use parking_lot::Mutex;
use trailkeep_event::Timestamp;

use super::statistics::RefusedBecause;

/// Groups that a reason may have.
pub const GROUPS: usize = 16;

/// Faults that an example has.
pub const FAULTS: usize = 5;

/// Bytes of a user agent that are kept.
pub const AGENT_BYTES: usize = 80;

/// Bytes that they take at the most; a fault's texts have some 300 together.
pub const MAX_BYTES: usize =
    RefusedBecause::ALL.len() * GROUPS * (size_of::<Group>() + AGENT_BYTES + FAULTS * 400);

/// How long an example stays the newest.
const EXAMPLE_MS: i64 = 1000;

/// Who sent something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sender {
    /// Somebody with the write key of this name.
    Key(Arc<str>),
    /// Somebody of this network.
    Network(IpNet),
    /// The shell of the machine.
    Shell,
}

impl Sender {
    /// The network of an address: enough to find whose tracker it is, and not a person.
    pub fn at(address: IpAddr) -> Self {
        let bits = if address.is_ipv4() { 24 } else { 48 };
        Self::Network(IpNet::new(address, bits).map_or(IpNet::from(address), |net| net.trunc()))
    }
}

/// What was wrong with one request.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// What the client calls itself.
    pub agent: Option<String>,
    /// Fields, and what is wrong with them: at most [`FAULTS`], without values.
    pub faults: Vec<(String, String)>,
}

/// Requests that were refused alike.
#[derive(Debug, Clone)]
pub struct Group {
    /// Under which it is counted.
    pub reason: RefusedBecause,
    /// The problem that was answered: the end of its `type`.
    pub kind: &'static str,
    /// Who sent them.
    pub sender: Sender,
    /// How many.
    pub count: u64,
    /// When the first of them came.
    pub first: Timestamp,
    /// When the last of them came.
    pub last: Timestamp,
    /// One of them.
    pub example: Example,
    example_at: Timestamp,
    /// Orders groups by their last: times do not, within a millisecond and where the
    /// clock was set back.
    turn: u64,
}

/// All groups.
#[derive(Debug, Default)]
pub struct Refusals {
    groups: [Mutex<Groups>; RefusedBecause::ALL.len()],
    turns: AtomicU64,
}

type Groups = HashMap<(&'static str, Sender), Group>;

impl Refusals {
    /// Takes note of a request that was refused. The example is made where it is kept.
    pub fn note(
        &self,
        reason: RefusedBecause,
        kind: &'static str,
        sender: Sender,
        now: Timestamp,
        example: impl FnOnce() -> Example,
    ) {
        let mut groups = self.groups[reason as usize].lock();
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let key = (kind, sender);
        if let Some(group) = groups.get_mut(&key) {
            group.count += 1;
            (group.last, group.turn) = (now, turn);
            // Also where the clock was set back.
            let age = now.as_millis() - group.example_at.as_millis();
            if !(0..EXAMPLE_MS).contains(&age) {
                (group.example, group.example_at) = (example(), now);
            }
            return;
        }
        if groups.len() >= GROUPS {
            let quiet = groups.iter().min_by_key(|(_, group)| group.turn);
            if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
                groups.remove(&quiet);
            }
        }
        let sender = key.1.clone();
        let (first, last, example_at) = (now, now, now);
        let example = example();
        groups.insert(
            key,
            Group { reason, kind, sender, count: 1, first, last, example, example_at, turn },
        );
    }

    /// All groups, the one that was refused last first.
    pub fn newest_first(&self) -> Vec<Group> {
        let groups = self.groups.iter();
        let mut all: Vec<Group> =
            groups.flat_map(|groups| groups.lock().values().cloned().collect::<Vec<_>>()).collect();
        all.sort_by_key(|group| std::cmp::Reverse(group.turn));
        all
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn sender(n: u8) -> Sender {
        Sender::at(IpAddr::from([10, 0, n, 7]))
    }

    fn note(refusals: &Refusals, reason: RefusedBecause, sender: Sender, millis: i64) {
        refusals.note(reason, "kind", sender, at(millis), Example::default);
    }

    #[test]
    fn every_reason_has_its_place() {
        for (place, reason) in RefusedBecause::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
    }

    #[test]
    fn what_is_refused_alike_is_one_group() {
        let refusals = Refusals::default();
        for millis in [5, 3, 9] {
            note(&refusals, RefusedBecause::Invalid, sender(1), millis);
        }
        note(&refusals, RefusedBecause::Invalid, sender(2), 20);
        let groups = refusals.newest_first();
        let told = groups.iter().map(|group| (group.count, group.first, group.last));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [(1, at(20), at(20)), (3, at(5), at(9))]);
    }

    #[test]
    fn the_last_is_first_whatever_the_clock_says() {
        let refusals = Refusals::default();
        for (n, millis) in [(1, 20), (2, 20), (3, 5)] {
            note(&refusals, RefusedBecause::Invalid, sender(n), millis);
        }
        let senders = refusals.newest_first().into_iter().map(|group| group.sender);
        assert!(senders.eq([3, 2, 1].map(sender)));
    }

    #[test]
    fn a_flood_of_one_reason_drives_out_its_quietest_and_none_of_another() {
        let refusals = Refusals::default();
        note(&refusals, RefusedBecause::Invalid, sender(1), 0);
        for n in 0..200 {
            note(&refusals, RefusedBecause::Unauthorized, sender(n), i64::from(n) + 1);
        }
        let groups = refusals.newest_first();
        assert_eq!(groups.len(), GROUPS + 1);
        assert_eq!(groups[0].sender, sender(199));
        assert_eq!(groups[GROUPS].reason, RefusedBecause::Invalid);
    }

    #[test]
    fn an_example_is_made_once_a_second_and_whatever_the_clock_is_set_to() {
        let refusals = Refusals::default();
        let mut made = Vec::new();
        for millis in [0, 10, 999, 1000, 1500, 2000, 500] {
            let example = || {
                made.push(millis);
                Example::default()
            };
            let reason = RefusedBecause::Invalid;
            refusals.note(reason, "kind", sender(1), at(millis), example);
        }
        assert_eq!(made, [0, 1000, 2000, 500]);
    }

    #[test]
    fn a_sender_is_known_by_its_network() {
        for (address, network) in
            [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48")]
        {
            let network = Sender::Network(network.parse().unwrap());
            assert_eq!(Sender::at(address.parse().unwrap()), network);
        }
    }
}
