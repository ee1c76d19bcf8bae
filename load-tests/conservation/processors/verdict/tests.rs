//! The check notices each kind of defect of processing, and takes for none what a
//! disruption explains.

mod decided_and_expired;

use std::collections::HashSet;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use trailkeep_event::StoreId;

use super::{Evidence, Processing};
use crate::content::Content;
use crate::oracle::{Answer, Batch, Disk, Sent, Span};
use crate::processors::disruptions::{Cause, Disruption};
use crate::processors::log::{Answered, Request};
use crate::processors::outcomes::Outcome;
use crate::processors::person::{Choice, Decision};
use crate::processors::{Id, POISON};
use crate::stored::Stored;

const TIMEOUT: i64 = 1_000;

/// Three events of one user that were accepted, stored, sent and kept.
struct Scene {
    hit: HashSet<usize>,
    batches: Vec<Batch>,
    stored: Vec<Stored>,
    outcomes: Vec<Outcome>,
    requests: Vec<Request>,
    disruptions: Vec<Disruption>,
    /// Where users are held.
    decisions: Option<Vec<Decision>>,
    has_retention: bool,
}

impl Scene {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(7);
        let mut contents: Vec<Content> =
            (1..=3).map(|number| Content::draw("u", number, 1_000, &mut rng)).collect();
        contents[2].kind = POISON.to_owned();
        let events = contents.iter().map(Sent::from).collect();
        let stored: Vec<Stored> =
            (1..).zip(contents).map(|(arrival, content)| Stored::of(content, arrival)).collect();
        let requests = (0..).zip(&stored).map(|(place, event)| {
            let status = if event.kind() == Some(POISON) { 422 } else { 200 };
            request(event.id, place * 2, Some((place * 2 + 1, status)))
        });
        Self {
            batches: vec![Batch {
                events,
                answer: Answer::Accepted,
                kept_by: vec![0],
                while_sent: Span::now(),
            }],
            requests: requests.collect(),
            outcomes: stored.iter().map(outcome).collect(),
            stored,
            disruptions: Vec::new(),
            hit: HashSet::new(),
            decisions: None,
            has_retention: false,
        }
    }

    fn check(&self) -> Processing {
        let evidence = Evidence {
            stored: &self.stored,
            outcomes: &self.outcomes,
            requests: &self.requests,
            disruptions: &self.disruptions,
            timeout: TIMEOUT,
            left: 0,
            decisions: self.decisions.as_deref(),
            has_retention: self.has_retention,
        };
        Processing::on(&self.batches, &self.hit, &evidence).0
    }

    /// One whose first event had expired before it was sent.
    fn expired() -> Self {
        let mut scene = Self { has_retention: true, ..Self::new() };
        scene.hit.insert(0);
        scene.requests.remove(0);
        let id = scene.forget(0);
        scene.outcomes[0] = expired(id);
        scene
    }

    /// One whose second event is poison, at which the user was held until a person decided
    /// this, behind the line of its answer.
    fn held(choice: Choice) -> Self {
        let mut scene = Self::new();
        scene.stored.swap(1, 2);
        scene.batches[0].events.swap(1, 2);
        scene.batches[0].events[1].number = 2;
        scene.batches[0].events[2].number = 3;
        scene.requests[1] = request(scene.stored[1].id, 2, Some((3, 422)));
        scene.requests[2] = request(scene.stored[2].id, 4, Some((5, 200)));
        if choice == Choice::Skip {
            let outcome = &mut scene.outcomes[2];
            outcome.state = "skipped".to_owned();
            outcome.http_status = None;
            outcome.error = Some("a person skipped it".to_owned());
        }
        scene.decides(choice, at(3) + 10);
        scene
    }

    fn decides(&mut self, choice: Choice, at: i64) {
        let event_id = &self.stored[1].event_id;
        self.decisions = Some(vec![Decision::of("u", event_id, choice, at)]);
    }

    /// Takes an event out of the store; answers by which identity it was kept there.
    fn forget(&mut self, place: usize) -> Id {
        let event = self.stored.remove(place);
        *StoreId::derive(&event.user, &event.event_id).as_bytes()
    }

    /// Has an event sent once more, behind all others.
    fn repeat(&mut self, place: usize) {
        let id = self.stored[place].id;
        self.requests.push(request(id, 10, Some((11, 200))));
    }

    /// Has each event in a batch of its own, kept by these disks.
    fn split(&mut self, kept_by: &[&[Disk]]) {
        let events: Vec<Sent> = self.batches.drain(..).flat_map(|batch| batch.events).collect();
        let batches = events.into_iter().zip(kept_by).map(|(event, kept_by)| Batch {
            events: vec![event],
            answer: Answer::Accepted,
            kept_by: kept_by.to_vec(),
            while_sent: Span::now(),
        });
        self.batches = batches.collect();
    }

    fn disrupt(&mut self, cause: Cause, from: usize, to: usize) {
        self.disruptions.push(Disruption { cause, from: at(from), to: Some(at(to)) });
    }
}

/// A line comes ten seconds after the one before it, so that nothing explains two.
fn at(line: usize) -> i64 {
    line as i64 * 10_000
}

fn request(id: Id, line: usize, answer: Option<(usize, u16)>) -> Request {
    // Answered soon, or it would have been given up.
    let answer = answer.map(|(end, status)| {
        let at = if end == line + 1 { at(line) + 5 } else { at(end) };
        Answered { at, line: end, status }
    });
    Request { id, user: "u".to_owned(), at: at(line), line, answer }
}

fn outcome(event: &Stored) -> Outcome {
    let is_poison = event.kind() == Some(POISON);
    let said = json!({"status": "success", "message": "Event processed successfully"});
    Outcome {
        id: event.id,
        user: Some(event.user.clone()),
        event_id: Some(event.event_id.clone()),
        kind: event.kind().map(str::to_owned),
        occurred_at: Some(event.place().0),
        arrival: event.place().1,
        state: if is_poison { "failed" } else { "processed" }.to_owned(),
        http_status: Some(if is_poison { 422 } else { 200 }),
        result: (!is_poison).then_some(said),
        error: is_poison.then(|| "poison".to_owned()),
    }
}

fn expired(id: Id) -> Outcome {
    Outcome {
        id,
        user: None,
        event_id: None,
        kind: None,
        occurred_at: None,
        arrival: 1,
        state: "skipped".to_owned(),
        http_status: None,
        result: None,
        error: Some("expired".to_owned()),
    }
}

#[test]
fn what_was_sent_in_order_and_kept_is_no_defect() {
    let counts = Scene::new().check();
    assert!(counts.is_clean(), "{counts}");
    assert_eq!((counts.processed, counts.failed, counts.requests), (2, 1, 3));
}

#[test]
fn an_event_without_an_outcome_is_unprocessed() {
    let mut scene = Scene::new();
    scene.outcomes.pop();
    assert_eq!(scene.check().unprocessed, 1);
    // Nobody knew of it any more.
    scene.hit.insert(0);
    assert_eq!(scene.check().unprocessed, 0);
}

#[test]
fn what_is_of_no_stored_event_is_invented() {
    let mut scene = Scene::new();
    scene.stored.pop();
    // Its outcome, and its request.
    assert_eq!(scene.check().invented, 2);
}

#[test]
fn an_event_that_is_sent_before_its_predecessor_is_done_has_overtaken_it() {
    let mut scene = Scene::new();
    let [first, second] = [0, 1].map(|place| scene.stored[place].id);
    scene.requests[0] = request(second, 0, Some((1, 200)));
    scene.requests[1] = request(first, 2, Some((3, 200)));
    assert_eq!(scene.check().overtaken, 1);
    // It has no place where nobody was told that it is accepted.
    scene.batches[0].answer = Answer::None;
    assert_eq!(scene.check().overtaken, 0);
}

#[test]
fn order_is_promised_among_the_events_that_one_instance_accepted() {
    let mut scene = Scene::new();
    let [first, second] = [0, 1].map(|place| scene.stored[place].id);
    scene.requests[0] = request(second, 0, Some((1, 200)));
    scene.requests[1] = request(first, 2, Some((3, 200)));
    scene.split(&[&[0], &[1], &[1]]);
    assert_eq!(scene.check().overtaken, 0);
    scene.split(&[&[0, 1], &[1], &[0]]);
    assert_eq!(scene.check().overtaken, 1);
}

#[test]
fn what_comes_late_behind_a_pause_was_about_to_be_sent_when_it_began() {
    let late = |place: usize, at: i64| {
        let mut scene = Scene::new();
        // It began behind the first event, and ended behind all.
        scene.disruptions.push(Disruption { cause: Cause::Pause, from: 100, to: Some(at) });
        let id = scene.stored[place].id;
        scene.requests.push(Request { at: 60_010, ..request(id, 6, Some((7, 200))) });
        scene.check().repeated
    };
    assert_eq!([0, 1].map(|place| late(place, 60_000)), [0, 0]);
    // Long after it, or in the middle of it.
    assert_eq!([50_000, 70_000].map(|end| late(1, end)), [1, 1]);
    let mut scene = Scene::new();
    scene.requests[2] = request(scene.stored[2].id, 4, Some((5, 200)));
    scene.disrupt(Cause::Pause, 0, 6);
    scene.requests.push(request(scene.stored[2].id, 6, Some((7, 200))));
    scene.requests.push(request(scene.stored[1].id, 8, None));
    // In flight at its end, which explains it; and one that was sent long ago.
    assert_eq!(scene.check().repeated, 1);
}

#[test]
fn a_failure_is_the_end_of_an_event_only_with_its_last_attempt() {
    let mut scene = Scene::new();
    let [first, second] = [0, 1].map(|place| scene.stored[place].id);
    scene.requests = vec![
        request(first, 0, Some((1, 500))),
        request(second, 2, Some((3, 200))),
        request(first, 4, Some((5, 200))),
    ];
    assert_eq!(scene.check().overtaken, 1);
}

#[test]
fn two_requests_of_a_user_at_once_overlap_unless_that_is_explained() {
    let mut scene = Scene::new();
    let [first, second] = [0, 1].map(|place| scene.stored[place].id);
    scene.requests[0] = request(first, 0, Some((3, 200)));
    scene.requests[1] = request(second, 1, Some((2, 200)));
    scene.requests[0].answer = Some(Answered { at: 20, line: 3, status: 200 });
    scene.requests[1].at = 10;
    let counts = scene.check();
    assert_eq!((counts.overlapping, counts.overtaken), (1, 1));
    scene.disruptions.push(Disruption { cause: Cause::Service, from: 5, to: None });
    // That explains two requests at once, and not their order.
    let counts = scene.check();
    assert_eq!((counts.overlapping, counts.overtaken), (0, 1));
}

#[test]
fn a_request_that_was_given_up_overlaps_nothing() {
    let mut scene = Scene::new();
    let first = scene.stored[0].id;
    scene.requests[0] = request(first, 0, Some((3, 200)));
    scene.requests.insert(1, request(first, 1, Some((2, 200))));
    assert_eq!(scene.check().overlapping, 0);
}

#[test]
fn a_repeat_after_a_success_is_explained_once_for_each_disruption() {
    let mut scene = Scene::new();
    scene.requests.pop();
    scene.repeat(1);
    assert_eq!(scene.check().repeated, 1);
    scene.disrupt(Cause::Service, 5, 7);
    assert_eq!(scene.check().repeated, 0);
    let again = Request { line: 12, answer: None, ..scene.requests[2].clone() };
    scene.requests.push(again);
    assert_eq!(scene.check().repeated, 1);
}

#[test]
fn what_was_not_in_flight_is_not_to_be_repeated_whatever_was_broken() {
    let mut scene = Scene::new();
    scene.repeat(1);
    scene.disrupt(Cause::Service, 5, 7);
    assert_eq!(scene.check().repeated, 1);
}

#[test]
fn what_was_in_flight_may_come_behind_what_another_instance_fed_late() {
    let mut scene = Scene::new();
    // The first was in flight when the kill came; the other two are fed late.
    scene.disruptions.push(Disruption { cause: Cause::Service, from: 3, to: Some(30_000) });
    scene.repeat(0);
    assert_eq!(scene.check().repeated, 0);
    scene.requests.push(Request { line: 12, answer: None, ..scene.requests[3].clone() });
    assert_eq!(scene.check().repeated, 1, "once");
    let mut scene = Scene::new();
    scene.disruptions.push(Disruption { cause: Cause::Service, from: 30_000, to: Some(60_000) });
    scene.repeat(0);
    assert_eq!(scene.check().repeated, 1, "it was done long ago");
}

#[test]
fn a_disruption_at_another_time_explains_nothing() {
    let mut scene = Scene::new();
    scene.requests.pop();
    scene.repeat(1);
    scene.disrupt(Cause::Service, 0, 1);
    scene.disrupt(Cause::Processor, 12, 13);
    assert_eq!(scene.check().repeated, 1);
}

#[test]
fn an_outcome_is_what_the_event_is_and_what_was_answered() {
    let changes: [fn(&mut Outcome); 7] = [
        |outcome| outcome.state = "failed".to_owned(),
        |outcome| outcome.state = "skipped".to_owned(),
        |outcome| outcome.arrival += 1,
        |outcome| outcome.user = Some("v".to_owned()),
        |outcome| outcome.kind = None,
        |outcome| outcome.http_status = Some(204),
        |outcome| outcome.result = Some(json!({"status": "error"})),
    ];
    for change in changes {
        let mut scene = Scene::new();
        change(&mut scene.outcomes[0]);
        assert_eq!(scene.check().mismatched, 1);
    }
    let mut scene = Scene::new();
    scene.requests[0].answer = None;
    assert_eq!(scene.check().mismatched, 1);
}
