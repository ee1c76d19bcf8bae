//! The check notices each kind of defect.

use std::collections::HashSet;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Verdict;
use crate::calendar::{Calendar, of_half_a_round};
use crate::content::Content;
use crate::oracle::{Answer, Batch, Sent, Span};
use crate::stored::Stored;
use crate::times::{DAY, SPAN};

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
        .map(|answer| Batch {
            events: events.by_ref().take(2).collect(),
            answer,
            kept_by: vec![0],
            while_sent: Span::now(),
        })
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
    Verdict::on(batches, &HashSet::new(), stored, None)
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
    let verdict = Verdict::on(&batches, &hit, &stored(&[2, 3]), None);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.hit, verdict.hit_and_gone), (1, 1));
    let verdict = Verdict::on(&batches, &hit, &stored(&[0, 2, 3]), None);
    assert!(verdict.is_clean(), "a part of it was stored before: {verdict}");
    assert_eq!((verdict.hit, verdict.hit_and_gone), (1, 1));
    let verdict = Verdict::on(&batches, &hit, &stored(&[0, 1]), None);
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

/// Three events, of which the last is late.
fn with_a_late_one() -> Vec<Content> {
    let mut rng = StdRng::seed_from_u64(8);
    [(1, 20 * DAY), (2, 20 * DAY), (3, 14 * DAY)]
        .map(|(number, occurred_at)| Content::draw("u", number, occurred_at, &mut rng))
        .into()
}

fn accepted(contents: &[Content]) -> Vec<Batch> {
    let events = contents.iter().map(Sent::from).collect();
    vec![Batch { events, answer: Answer::Accepted, kept_by: vec![0], while_sent: Span::now() }]
}

#[test]
fn a_late_event_belongs_in_front_of_what_was_sent_before_it() {
    let contents = with_a_late_one();
    let arrived = |arrivals: [i64; 3]| {
        let stored: Vec<Stored> =
            contents.iter().cloned().zip(arrivals).map(|(c, a)| Stored::of(c, a)).collect();
        check(&accepted(&contents), &stored)
    };
    let verdict = arrived([1, 2, 3]);
    assert!(verdict.is_clean(), "{verdict}");
    let verdict = arrived([2, 1, 3]);
    assert_eq!(verdict.reordered, 1, "those of one time, in the wrong order: {verdict}");
}

#[test]
fn a_late_event_that_is_kept_as_of_another_time_is_reordered() {
    let contents = with_a_late_one();
    let mut moved = contents.clone();
    moved[2].occurred_at = 20 * DAY;
    let stored: Vec<Stored> =
        moved.into_iter().zip(1..).map(|(content, arrival)| Stored::of(content, arrival)).collect();
    let verdict = check(&accepted(&contents), &stored);
    assert_eq!((verdict.reordered, verdict.damaged), (1, 1), "{verdict}");
}

#[test]
fn another_period_than_that_of_the_calendar_is_misfiled() {
    let calendar = Calendar::of(Some(&of_half_a_round(SPAN))).unwrap();
    let contents = with_a_late_one();
    let filed = |periods: [Option<i64>; 3]| {
        let mut stored: Vec<Stored> =
            contents.iter().cloned().zip(1..).map(|(c, a)| Stored::of(c, a)).collect();
        for (event, period) in stored.iter_mut().zip(periods) {
            event.file_under(period);
        }
        Verdict::on(&accepted(&contents), &HashSet::new(), &stored, Some(&calendar))
    };
    let (tenth, twentieth) = (Some(10 * DAY), Some(20 * DAY));
    let verdict = filed([twentieth, twentieth, tenth]);
    assert!(verdict.is_clean(), "{verdict}");
    let verdict = filed([twentieth, tenth, tenth]);
    assert_eq!(verdict.misfiled, 1, "{verdict}");
    assert!(!verdict.is_clean());
    let verdict = filed([None, twentieth, twentieth]);
    assert_eq!(verdict.misfiled, 2, "{verdict}");
}
