use super::process;
use crate::lease::{Lease, NOBODY, PATIENCE, RENEW_AFTER, SURE_FOR, TAKE_AFTER, Tenure};

fn lease(owner: u8, epoch: u64, beat: u64) -> Lease {
    Lease { owner: process(owner), epoch, beat }
}

#[test]
fn a_lease_that_nobody_ever_had_is_taken_at_once() {
    let mut tenure = Tenure::new(process(1), false);
    assert_eq!(tenure.due(0), None, "nothing was read yet");
    tenure.saw(None, 0);
    let take = tenure.due(0).unwrap();
    assert_eq!((take.expected, take.next), (None, lease(1, 1, 1)));
    assert!(tenure.replaced(&take, 0, true));
    assert_eq!(tenure.lease(), Some(lease(1, 1, 1)));
}

#[test]
fn a_lease_is_taken_after_its_beat_has_stood_still_for_ten_seconds() {
    let mut tenure = Tenure::new(process(2), false);
    tenure.saw(Some(lease(1, 3, 7)), 100);
    tenure.saw(Some(lease(1, 3, 8)), 5_000);
    tenure.saw(Some(lease(1, 3, 8)), 14_000);
    assert_eq!(tenure.due(5_000 + TAKE_AFTER - 1), None);
    let take = tenure.due(5_000 + TAKE_AFTER).unwrap();
    assert_eq!((take.expected, take.next), (Some(lease(1, 3, 8)), lease(2, 4, 9)));
}

#[test]
fn an_owner_renews_and_is_sure_from_when_it_sent_that() {
    let mut tenure = Tenure::new(process(1), false);
    tenure.saw(None, 0);
    let take = tenure.due(0).unwrap();
    tenure.replaced(&take, 1_000, true);
    assert_eq!(tenure.due(1_000 + RENEW_AFTER - 1), None);
    let renewal = tenure.due(1_000 + RENEW_AFTER).unwrap();
    assert_eq!((renewal.expected, renewal.next), (Some(lease(1, 1, 1)), lease(1, 1, 2)));
    assert!(tenure.is_sure(1_000 + SURE_FOR - 1));
    assert!(!tenure.is_sure(1_000 + SURE_FOR), "an old renewal keeps nobody sure");
    tenure.replaced(&renewal, 3_000, true);
    assert!(tenure.is_sure(3_000 + SURE_FOR - 1));
}

#[test]
fn who_finds_another_lease_has_lost_it() {
    let mut tenure = Tenure::new(process(1), false);
    tenure.saw(None, 0);
    let take = tenure.due(0).unwrap();
    tenure.replaced(&take, 0, true);
    let renewal = tenure.due(2_000).unwrap();
    assert!(!tenure.replaced(&renewal, 2_000, false));
    assert_eq!((tenure.lease(), tenure.is_sure(2_000), tenure.due(60_000)), (None, false, None));
    tenure.saw(Some(lease(2, 2, 2)), 60_000);
    assert_eq!(tenure.due(60_000), None, "it counts from when it was seen");
}

/// An owner must have stopped before anybody else begins.
#[test]
fn an_owner_is_unsure_before_another_may_take_over() {
    const { assert!(SURE_FOR + RENEW_AFTER <= TAKE_AFTER) };
}

#[test]
fn a_lease_that_was_handed_over_is_taken_at_once() {
    let mut tenure = Tenure::new(process(1), false);
    tenure.saw(None, 0);
    let take = tenure.due(0).unwrap();
    tenure.replaced(&take, 0, true);
    let over = tenure.hand_over().unwrap();
    assert_eq!((over.next.owner, over.next.epoch), (NOBODY, 1));
    let mut successor = Tenure::new(process(2), false);
    successor.saw(Some(over.next), 5);
    assert_eq!(successor.due(5).unwrap().next, lease(2, 2, 3));
}

#[test]
fn who_is_alone_waits_for_nobody() {
    let mut tenure = Tenure::new(process(2), true);
    tenure.saw(Some(lease(1, 3, 7)), 100);
    assert_eq!(tenure.due(100).unwrap().next, lease(2, 4, 8));
}

#[test]
fn who_stands_back_takes_only_what_nobody_else_takes() {
    for there in [None, Some(Lease { owner: NOBODY, ..lease(1, 3, 7) }), Some(lease(1, 3, 7))] {
        let mut tenure = Tenure::new(process(2), false);
        tenure.stand_back(true);
        tenure.saw(there, 100);
        assert_eq!(tenure.due(100 + PATIENCE * TAKE_AFTER - 1), None, "{there:?}");
        let take = tenure.due(100 + PATIENCE * TAKE_AFTER).unwrap();
        assert_eq!(take.expected, there);
        tenure.stand_back(false);
        assert!(tenure.due(100 + TAKE_AFTER).is_some(), "no longer than others");
    }
}
