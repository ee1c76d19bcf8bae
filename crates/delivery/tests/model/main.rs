//! The rules of delivery, model-checked: instances that crash, are paused, take over and
//! are answered late, in every order, keep the promises of processing.
//!
//! - *kept*: an accepted event is in a journal, in the feed, covered by a record, or done.
//! - *in order*: an event is sent for the first time only when all that the same instance
//!   accepted of its user before it have stored outcomes.
//! - *held*: of a user who waits for a person nothing is sent for the first time.
//! - *done in the end*: where nothing is left to do, everything has an outcome.
//!
//! The states are those of the machines that the service runs. Tests named `without_...`
//! take a rule away and see that the check finds what it is for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acts;
mod database;
mod world;
mod worlds;

use stateright::{Checker, HasDiscoveries, Model};
use trailkeep_delivery::{Entry, UserKey};
use trailkeep_event::{Arrival, StoreId};

use database::Filters;
use world::{Budget, Rules};
use worlds::Worlds;

/// An event of a user with an arrival number.
fn event(id: u8, user: u8, arrival: i64) -> Entry {
    let mut bytes = [0; 16];
    bytes[15] = id;
    Entry {
        user: UserKey([user; 16]),
        id: StoreId::from_bytes(bytes),
        arrival: Arrival::from_i64(arrival),
    }
}

fn check(worlds: Worlds) {
    let checker = worlds.checker().threads(2).spawn_dfs().join();
    eprintln!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

/// Asserts that a property is broken.
fn finds(property: &'static str, worlds: Worlds) {
    let checker =
        worlds.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    eprintln!("{} states, depth {}", checker.unique_state_count(), checker.max_depth());
    for (name, path) in checker.discoveries() {
        eprintln!("{name}: {:?}", path.into_actions());
    }
    let found = checker.discovery(property);
    assert!(found.is_some(), "`{property}` holds without the rule");
}

/// Three events of one user at one instance.
fn alone(budget: Budget) -> Worlds {
    let journal = vec![event(1, 1, 1), event(2, 1, 2), event(3, 1, 3)];
    Worlds { journals: vec![journal], fed: 0, budget, rules: Rules::ALL, reads_at_once: false }
}

/// Two events of one user at one instance.
fn duo(budget: Budget) -> Worlds {
    let journal = vec![event(1, 1, 1), event(2, 1, 2)];
    Worlds { journals: vec![journal], reads_at_once: true, ..alone(budget) }
}

/// One event is accepted by both of two instances.
fn two(budget: Budget) -> Worlds {
    let one = vec![event(1, 1, 1), event(2, 1, 3)];
    let other = vec![event(1, 1, 2), event(3, 1, 4)];
    Worlds { journals: vec![one, other], fed: 0, budget, rules: Rules::ALL, reads_at_once: true }
}

/// Two instances that deliver. One of two events is in the feed, the other is accepted.
fn pair(budget: Budget) -> Worlds {
    let journal = vec![event(1, 1, 1), event(2, 1, 2)];
    Worlds {
        journals: vec![journal, Vec::new()],
        fed: 1,
        budget,
        rules: Rules::ALL,
        reads_at_once: true,
    }
}

#[test]
fn one_instance_that_crashes_keeps_every_event_and_its_order() {
    check(alone(Budget { crashes: 1, delays: 1, ..Budget::default() }));
}

#[test]
fn a_parked_user_is_delivered_whole_and_in_order() {
    check(alone(Budget { parks: 2, delays: 1, ..Budget::default() }));
}

#[test]
fn a_parked_user_outlives_a_crash() {
    check(alone(Budget { parks: 1, crashes: 1, failures: 1, ..Budget::default() }));
}

#[test]
fn two_instances_with_one_killed_keep_every_event() {
    check(two(Budget { crashes: 1, ..Budget::default() }));
}

#[test]
fn two_instances_of_whom_one_is_paused_past_its_lease_keep_every_event() {
    let one = vec![event(1, 1, 1)];
    let other = vec![event(1, 1, 2), event(3, 1, 4)];
    let budget = Budget { takeovers: 1, ..Budget::default() };
    check(Worlds { journals: vec![one, other], ..two(budget) });
}

#[test]
fn a_zombie_with_a_parked_user_overtakes_nobody() {
    check(pair(Budget { takeovers: 1, parks: 1, ..Budget::default() }));
}

#[test]
fn writes_that_come_late_change_nothing() {
    check(pair(Budget { takeovers: 1, parks: 1, delays: 1, ..Budget::default() }));
}

#[test]
fn a_failure_is_stored_by_whoever_is_in_charge() {
    check(pair(Budget { takeovers: 1, failures: 1, delays: 1, ..Budget::default() }));
}

#[test]
fn an_owner_that_crashes_beside_a_zombie_loses_nothing() {
    check(pair(Budget { takeovers: 1, crashes: 1, parks: 1, ..Budget::default() }));
}

#[test]
fn a_failover_that_hides_the_last_writes_loses_nothing() {
    check(alone(Budget { parks: 1, stale_moments: 1, ..Budget::default() }));
}

#[test]
fn a_held_user_waits_for_a_person_through_crashes() {
    check(duo(Budget { holds: 1, releases: 1, crashes: 1, ..Budget::default() }));
}

#[test]
fn a_zombie_passes_no_held_user() {
    let budget = Budget { takeovers: 1, holds: 1, releases: 1, ..Budget::default() };
    check(pair(budget));
}

#[test]
fn a_hold_that_is_written_late_is_passed_by_nobody() {
    check(pair(Budget { takeovers: 1, holds: 1, delays: 1, ..Budget::default() }));
}

#[test]
fn what_is_asked_for_again_is_sent_again_through_crashes_and_late_writes() {
    check(duo(Budget { replays: 1, crashes: 1, delays: 1, ..Budget::default() }));
    let one = vec![vec![event(1, 1, 1)], Vec::new()];
    let budget = Budget { replays: 1, takeovers: 1, ..Budget::default() };
    check(Worlds { journals: one, ..pair(budget) });
}

#[test]
fn a_parked_user_is_sent_again_what_is_asked_for() {
    check(duo(Budget { replays: 1, parks: 1, delays: 1, ..Budget::default() }));
}

#[test]
fn without_a_renewal_after_anothers_outcome_a_zombie_passes_a_held_user() {
    let rules = Rules { renew_after_anothers_outcome: false, ..Rules::ALL };
    let budget = Budget { takeovers: 1, holds: 1, ..Budget::default() };
    finds("held", Worlds { rules, ..pair(budget) });
}

#[test]
fn without_a_renewal_before_it_is_done_a_replay_is_lost() {
    let rules = Rules { finish_after_renewal: false, ..Rules::ALL };
    let budget = Budget { takeovers: 1, parks: 1, replays: 1, ..Budget::default() };
    finds("kept", Worlds { rules, ..pair(budget) });
}

#[test]
fn without_runs_a_late_outcome_undoes_a_replay() {
    let filters = Filters { name_the_run: false, ..Rules::ALL.filters };
    let rules = Rules { filters, ..Rules::ALL };
    let budget = Budget { delays: 1, replays: 1, ..Budget::default() };
    finds("done in the end", Worlds { rules, ..duo(budget) });
}

#[test]
fn without_a_time_in_reads_a_failover_loses_events() {
    let rules = Rules { reads_carry_a_time: false, ..Rules::ALL };
    let budget = Budget { parks: 1, stale_moments: 1, ..Budget::default() };
    finds("kept", Worlds { rules, ..alone(budget) });
}

#[test]
fn without_the_change_in_their_filters_late_writes_lose_events() {
    let rules =
        Rules { filters: Filters { name_the_change: false, ..Rules::ALL.filters }, ..Rules::ALL };
    let budget = Budget { parks: 2, delays: 1, ..Budget::default() };
    finds("kept", Worlds { rules, ..alone(budget) });
}

#[test]
fn without_a_renewal_before_forgetting_a_zombie_lets_events_overtake() {
    let rules = Rules { forget_after_renewal: false, ..Rules::ALL };
    let budget = Budget { takeovers: 1, parks: 1, delays: 1, ..Budget::default() };
    finds("in order", Worlds { rules, ..pair(budget) });
}

#[test]
fn without_names_of_their_own_a_successor_loses_events() {
    let rules = Rules { processes_have_names: false, ..Rules::ALL };
    let budget = Budget { crashes: 1, ..Budget::default() };
    finds("kept", Worlds { rules, ..alone(budget) });
}

#[test]
fn without_a_journal_that_waits_for_the_feed_a_crash_loses_events() {
    let rules = Rules { journal_waits_for_feed: false, ..Rules::ALL };
    let budget = Budget { crashes: 1, ..Budget::default() };
    finds("kept", Worlds { rules, ..alone(budget) });
}

#[test]
fn without_a_look_at_the_lease_a_zombie_overtakes() {
    let rules = Rules { confirm_the_lease: false, ..Rules::ALL };
    let budget = Budget { takeovers: 1, parks: 1, ..Budget::default() };
    finds("in order", Worlds { rules, ..pair(budget) });
}
