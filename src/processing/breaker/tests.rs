use super::*;

fn user(number: u8) -> UserKey {
    UserKey([number; 16])
}

fn breaker() -> Breaker {
    Breaker::new(8, 0)
}

#[test]
fn an_outage_opens_it_and_nothing_counts() {
    let mut breaker = breaker();
    breaker.came(user(1), Came::Success, 0);
    for number in 0..40 {
        breaker.came(user(number % 5), Came::Failure, 10);
    }
    assert_eq!(breaker.condition(), Condition::Away);
    assert!(!breaker.is_witnessed(user(1), Came::Failure, Some(5), 10, AT_LAST * 2));
    assert_eq!(breaker.room(0, 11), 0);
}

#[test]
fn a_refused_connection_opens_it_at_once() {
    let mut breaker = breaker();
    breaker.came(user(1), Came::Unreachable, 0);
    assert_eq!((breaker.condition(), breaker.room(0, 0)), (Condition::Away, 0));
    assert_eq!(breaker.opens_at(0), Some(500));
    assert_eq!((breaker.room(0, 500), breaker.room(1, 500)), (1, 0), "one probe at a time");
    breaker.came(user(2), Came::Unreachable, 510);
    assert_eq!(breaker.opens_at(510), Some(1_510), "the pauses grow");
}

/// They end all at once where a processor is killed.
#[test]
fn what_was_in_flight_when_it_opened_makes_no_pause_longer() {
    let mut breaker = breaker();
    for number in 0..8 {
        breaker.came(user(number), Came::Unreachable, 10);
    }
    assert_eq!(breaker.opens_at(10), Some(510));
    for number in 0..3 {
        breaker.came(user(number), Came::Failure, 600);
    }
    assert_eq!(breaker.opens_at(600), Some(1_600), "once, however many come late");
}

#[test]
fn a_success_closes_it_and_it_starts_slowly() {
    let mut breaker = breaker();
    breaker.came(user(1), Came::Unreachable, 0);
    for (now, room) in [(600, 1), (601, 2), (602, 4), (603, 8), (604, 8)] {
        breaker.came(user(2), Came::Success, now);
        assert_eq!(breaker.room(0, now), room);
    }
}

#[test]
fn all_refusals_are_told_as_such() {
    let mut breaker = breaker();
    for number in 0..20 {
        breaker.came(user(number), Came::Refused, 0);
    }
    assert_eq!(breaker.condition(), Condition::Refused);
}

/// One user's poison stops nobody: it never opens the breaker alone.
#[test]
fn failures_of_two_users_leave_it_closed() {
    let mut breaker = breaker();
    for number in 0..100 {
        breaker.came(user(number % 2), Came::Failure, 0);
    }
    assert_eq!((breaker.condition(), breaker.room(0, 0)), (Condition::Running, 8));
}

#[test]
fn a_failure_counts_where_another_users_event_was_taken_since() {
    let mut breaker = breaker();
    let (poisoned, other) = (user(1), user(2));
    assert!(!breaker.is_witnessed(poisoned, Came::Failure, None, 0, 0), "nothing was taken yet");
    breaker.came(poisoned, Came::Success, 1);
    assert!(breaker.is_witnessed(poisoned, Came::Failure, None, 2, 2), "the first one");
    assert!(!breaker.is_witnessed(poisoned, Came::Failure, Some(1), 2, 3), "only its own");
    breaker.came(other, Came::Success, 4);
    breaker.came(poisoned, Came::Success, 5);
    assert!(breaker.is_witnessed(poisoned, Came::Failure, Some(4), 2, 6));
    assert!(!breaker.is_witnessed(poisoned, Came::Failure, Some(5), 2, 6));
    assert!(breaker.is_witnessed(poisoned, Came::Failure, Some(5), 2, AT_LAST + 2));
    assert!(!breaker.is_witnessed(poisoned, Came::Refused, Some(5), 2, AT_LAST + 2));
}

#[test]
fn connections_that_break_together_count_for_neither() {
    let mut breaker = breaker();
    breaker.came(user(3), Came::Success, 0);
    breaker.came(user(1), Came::Reset, 100);
    assert!(breaker.is_witnessed(user(1), Came::Reset, None, 100, 100), "it broke alone");
    breaker.came(user(2), Came::Reset, 200);
    assert!(!breaker.is_witnessed(user(1), Came::Reset, None, 100, 250));
    assert!(!breaker.is_witnessed(user(2), Came::Reset, None, 200, 250));
}

#[test]
fn a_processor_that_asks_for_a_pause_has_it() {
    let mut breaker = breaker();
    breaker.wait_until(5_000);
    assert_eq!((breaker.room(0, 4_999), breaker.room(0, 5_000)), (0, 8));
    assert_eq!((breaker.opens_at(0), breaker.opens_at(5_000)), (Some(5_000), None));
}
