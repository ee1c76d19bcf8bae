//! Users who are held until a person decides, and events that expire.

use super::*;

#[test]
fn what_expired_before_it_was_sent_is_skipped_and_not_without_an_outcome() {
    let counts = Scene::expired().check();
    assert!(counts.is_clean(), "{counts}");
    assert_eq!((counts.processed, counts.failed, counts.skipped), (1, 1, 1));
    let mut scene = Scene::expired();
    scene.outcomes.remove(0);
    assert_eq!(scene.check().unprocessed, 1);
    // It was never said to be kept.
    scene.batches[0].answer = Answer::None;
    assert_eq!(scene.check().unprocessed, 0);
}

#[test]
fn what_has_not_expired_is_not_skipped_for_that() {
    let mut scene = Scene::expired();
    scene.hit.clear();
    assert_eq!(scene.check().invented, 1);
    let mut scene = Scene::new();
    scene.has_retention = true;
    scene.outcomes[0] = expired(scene.stored[0].id);
    assert_eq!(scene.check().mismatched, 1, "it is there");
}

#[test]
fn what_the_processor_took_has_not_expired_unless_something_ended_before_that_was_kept() {
    let mut scene = Scene::expired();
    scene.requests.insert(0, request(scene.outcomes[0].id, 0, Some((1, 200))));
    assert_eq!(scene.check().mismatched, 1);
    scene.disruptions.push(Disruption { cause: Cause::Service, from: at(0) + 10, to: None });
    assert_eq!(scene.check().mismatched, 0);
}

#[test]
fn what_expires_when_it_is_done_has_its_outcome_and_its_place() {
    let mut scene = Scene { has_retention: true, ..Scene::new() };
    scene.hit.insert(0);
    let id = scene.forget(0);
    (scene.outcomes[0].id, scene.requests[0].id) = (id, id);
    let counts = scene.check();
    assert!(counts.is_clean(), "{counts}");
    assert_eq!((counts.processed, counts.skipped), (2, 0));
    scene.requests.swap(0, 1);
    scene.requests[0] = request(scene.requests[0].id, 0, Some((1, 200)));
    scene.requests[1] = request(id, 2, Some((3, 200)));
    assert_eq!(scene.check().overtaken, 1);
}

#[test]
fn a_user_who_is_held_goes_on_behind_what_a_person_decided() {
    for choice in [Choice::Skip, Choice::Release] {
        let counts = Scene::held(choice).check();
        assert!(counts.is_clean(), "{choice:?}: {counts}");
        let mut scene = Scene::held(choice);
        scene.decides(choice, at(4) + 1);
        assert_eq!(scene.check().overtaken, 1, "{choice:?}, too late");
        scene.decides(Choice::Retry, at(3) + 10);
        assert_eq!(scene.check().mismatched, 1, "{choice:?} was not what was decided");
    }
}

#[test]
fn nothing_is_skipped_by_a_person_where_nobody_is_held() {
    let mut scene = Scene::held(Choice::Skip);
    scene.decisions = None;
    assert_eq!(scene.check().mismatched, 1);
}
