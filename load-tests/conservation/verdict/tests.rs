//! The check notices each kind of defect.

use std::collections::HashSet;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Verdict;
use crate::content::Content;
use crate::oracle::{Answer, Batch, Sent};
use crate::stored::Stored;

/// Four events of one user, all of one time.
fn contents() -> Vec<Content> {
    let mut rng = StdRng::seed_from_u64(7);
    (1..=4).map(|number| Content::draw("u", number, 1_700_000_000_000, &mut rng)).collect()
}

/// The first two as one batch, the others as another.
fn sent(first: Answer, second: Answer) -> Vec<Batch> {
    let events: Vec<Sent> = contents().iter().map(Sent::from).collect();
    let mut events = events.into_iter();
    [first, second]
        .into_iter()
        .map(|answer| Batch { events: events.by_ref().take(2).collect(), answer })
        .collect()
}

/// These of the four, in this order of arrival.
fn stored(places: &[usize]) -> Vec<Stored> {
    let contents = contents();
    (1..)
        .zip(places)
        .map(|(arrival, &place)| Stored::of(contents[place].clone(), arrival))
        .collect()
}

fn check(batches: &[Batch], stored: &[Stored]) -> Verdict {
    Verdict::on(batches, &HashSet::new(), stored)
}

#[test]
fn all_that_was_accepted_in_order_is_no_defect() {
    let batches = sent(Answer::Accepted, Answer::Accepted);
    let verdict = check(&batches, &stored(&[0, 1, 2, 3]));
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.accepted, 4);
}

#[test]
fn an_accepted_event_that_is_missing_is_lost_and_tears_its_batch() {
    let batches = sent(Answer::Accepted, Answer::Accepted);
    let verdict = check(&batches, &stored(&[0, 2, 3]));
    assert_eq!((verdict.lost, verdict.torn), (1, 1), "{verdict}");
    assert!(!verdict.is_clean());
}

#[test]
fn a_batch_that_was_hit_on_purpose_may_be_missing_and_others_may_not() {
    let batches = sent(Answer::Accepted, Answer::Accepted);
    let hit = HashSet::from([0]);
    let verdict = Verdict::on(&batches, &hit, &stored(&[2, 3]));
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.hit, verdict.hit_and_gone), (1, 1));
    let verdict = Verdict::on(&batches, &hit, &stored(&[0, 2, 3]));
    assert!(verdict.is_clean(), "a part of it was stored before: {verdict}");
    assert_eq!((verdict.hit, verdict.hit_and_gone), (1, 1));
    let verdict = Verdict::on(&batches, &hit, &stored(&[0, 1]));
    assert_eq!(verdict.lost, 2, "{verdict}");
}

#[test]
fn a_second_copy_is_doubled() {
    let batches = sent(Answer::Accepted, Answer::None);
    let verdict = check(&batches, &stored(&[0, 1, 1]));
    assert_eq!(verdict.doubled, 1, "{verdict}");
}

#[test]
fn another_order_of_arrival_is_reordered() {
    let batches = sent(Answer::Accepted, Answer::Accepted);
    let verdict = check(&batches, &stored(&[0, 2, 1, 3]));
    assert_eq!(verdict.reordered, 1, "{verdict}");
}

#[test]
fn a_changed_content_is_damaged() {
    let batches = sent(Answer::Accepted, Answer::Accepted);
    let mut there = stored(&[0, 1, 2, 3]);
    there[2].damage();
    let verdict = check(&batches, &there);
    assert_eq!(verdict.damaged, 1, "{verdict}");
}

#[test]
fn what_was_refused_or_never_sent_is_invented() {
    let batches = sent(Answer::Accepted, Answer::Refused);
    let verdict = check(&batches, &stored(&[0, 1, 2, 3]));
    assert_eq!(verdict.invented, 2, "{verdict}");
    let verdict = check(&batches[..1], &stored(&[0, 1, 2]));
    assert_eq!(verdict.invented, 1, "{verdict}");
}

#[test]
fn a_batch_without_an_answer_is_there_whole_or_not_at_all() {
    let batches = sent(Answer::Accepted, Answer::None);
    assert!(check(&batches, &stored(&[0, 1])).is_clean());
    assert!(check(&batches, &stored(&[0, 1, 2, 3])).is_clean());
    let verdict = check(&batches, &stored(&[0, 1, 2]));
    assert_eq!(verdict.torn, 1, "{verdict}");
}
