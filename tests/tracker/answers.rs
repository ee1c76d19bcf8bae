//! What the service may answer, and what the tracker makes of it.

use std::time::Duration;

use trailkeep_testkit::eventually::{SOON, eventually};

use crate::gate::Way;
use crate::visit::{Visit, told};

#[tokio::test]
async fn answers_that_are_lost_double_nothing() {
    let Some(visit) = Visit::begin().await else { return };
    visit.gate.is(Way::AnswerLost);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 30).await;
    visit.until_passed(3).await;
    visit.gate.is(Way::Open);
    visit.until_arrived(&visitor, 0, 30).await;
    let sent = visit.gate.passed().iter().map(|passed| passed.events().len()).sum::<usize>();
    assert!(sent > 32, "they were sent again: {sent}");
    visit.browser.until("!Object.keys(localStorage).some((key) => key.startsWith('tk_q'))").await;
    assert_eq!(visit.numbers_of(&visitor).await.len(), 30);
    visit.browser.close().await;
}

#[tokio::test]
async fn a_service_that_asks_for_patience_is_given_it() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.until_passed(1).await;
    let mut seen = 0;
    for status in [503, 429] {
        visit.gate.is(Way::Answered(status, 4));
        visit.steps(seen, seen + 20).await;
        let refused = || {
            let passed = visit.gate.passed();
            passed.iter().position(|passed| passed.status == Some(status))
        };
        eventually("a request is refused", SOON, || async { refused() }).await;
        visit.gate.is(Way::Open);
        seen += 20;
        visit.until_arrived(&visitor, 0, seen.into()).await;
        let passed = visit.gate.passed();
        let at = refused().expect("a refused request");
        let pause = passed[at + 1].at - passed[at].at;
        assert!(pause >= Duration::from_millis(3900), "{status}: {pause:?}");
    }
    visit.browser.close().await;
}

#[tokio::test]
async fn of_ten_events_the_one_that_is_refused_is_dropped_and_told() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 5).await;
    visit.browser.value("trailkeep.track('a name that is too long '.repeat(9))").await;
    visit.steps(5, 9).await;
    visit.until_arrived(&visitor, 0, 9).await;
    visit.steps(9, 10).await;
    visit.until_arrived(&visitor, 0, 10).await;
    assert_eq!(told(&visit.events_of(&visitor).await), 1);
    visit.browser.close().await;
}

#[tokio::test]
async fn a_request_that_is_too_large_is_sent_in_parts() {
    let Some(visit) = Visit::with(&[("EVENTS_MAX_PER_REQUEST", "10")]).await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 60).await;
    visit.until_arrived(&visitor, 0, 60).await;
    let passed = visit.gate.passed();
    assert!(passed.iter().any(|passed| passed.status == Some(413)), "nothing was too large");
    assert_eq!(told(&visit.events_of(&visitor).await), 0);
    visit.browser.close().await;
}

#[tokio::test]
async fn a_key_that_is_not_taken_yet_costs_no_event() {
    let other = ("ACCESS_WRITE_KEYS", "other:wk-0000000000000000");
    let Some(mut visit) = Visit::with(&[other]).await else { return };
    visit.site.has(&visit.tag("data-key=wk-9f8e7d6c5b4a3210"), "");
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 30).await;
    visit.until_passed(2).await;
    assert!(visit.gate.passed().iter().all(|passed| passed.status == Some(401)));
    visit.service_crashes().await;
    visit.service_returns(&[("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210")]).await;
    visit.until_arrived(&visitor, 0, 30).await;
    visit.browser.close().await;
}
