//! What is bounded, and that whatever is dropped is counted and told.

use std::time::Duration;

use trailkeep_testkit::eventually::eventually;

use crate::gate::Way;
use crate::visit::{Visit, told};

#[tokio::test]
async fn of_two_thousand_events_without_a_network_the_newest_thousand_arrive() {
    let Some(visit) = Visit::begin().await else { return };
    visit.gate.is(Way::Cut);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 2000).await;
    visit.gate.is(Way::Open);
    visit.until_arrived(&visitor, 1000, 2000).await;
    let events = visit.events_of(&visitor).await;
    assert!(events.iter().all(|event| event["type"] == "step"), "the oldest are dropped first");
    // The start of the session and the view of the page are among them.
    assert_eq!(told(&events), 1002);
    visit.browser.close().await;
}

#[tokio::test]
async fn what_waits_stays_below_two_megabytes() {
    let Some(visit) = Visit::begin().await else { return };
    visit.gate.is(Way::Cut);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit
        .browser
        .value(
            "(() => { for (let n = 0; n < 100; n++) \
        trailkeep.track('step', { n, text: 'x'.repeat(30000) }) })()",
        )
        .await;
    let size = "Object.keys(localStorage).filter((key) => key.startsWith('tk_q')) \
                .reduce((sum, key) => sum + localStorage[key].length, 0)";
    let size = visit.browser.value(size).await.as_u64().expect("a number");
    assert!((1_900_000..=2_000_000).contains(&size), "{size}");
    visit.gate.is(Way::Open);
    eventually("the newest arrives", Duration::from_secs(60), || async {
        visit.numbers_of(&visitor).await.contains(&99).then_some(())
    })
    .await;
    visit.browser.until("!Object.keys(localStorage).some((key) => key.startsWith('tk_q'))").await;
    let events = visit.events_of(&visitor).await;
    // With the start of the session and the view of the page.
    assert_eq!(told(&events) + events.len() as u64, 102);
    visit.browser.close().await;
}

#[tokio::test]
async fn what_is_older_than_a_week_is_dropped_and_told() {
    let Some(visit) = Visit::begin().await else { return };
    visit.gate.is(Way::Cut);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 3).await;
    visit.leaves().await;
    visit.prepares_pages("Date.now = (now => () => now() + 8 * 864e5)(Date.now)").await;
    visit.goes_to("/").await;
    visit.gate.is(Way::Open);
    visit.steps(3, 5).await;
    visit.until_arrived(&visitor, 3, 5).await;
    // With the start of the session, the view of the page and its leave.
    assert_eq!(told(&visit.events_of(&visitor).await), 6);
    visit.browser.close().await;
}

#[tokio::test]
async fn an_event_that_fits_no_request_is_dropped_and_told() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.browser.value("trailkeep.track('step', { n: 0, text: 'x'.repeat(70000) })").await;
    visit.steps(1, 3).await;
    visit.until_arrived(&visitor, 1, 3).await;
    let events = visit.events_of(&visitor).await;
    assert_eq!(told(&events), 1);
    visit.browser.close().await;
}

#[tokio::test]
async fn what_no_json_can_say_is_dropped_and_told_and_breaks_no_page() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.browser.value("trailkeep.track('step', { n: 0n })").await;
    visit.steps(1, 2).await;
    visit.until_arrived(&visitor, 1, 2).await;
    assert_eq!(told(&visit.events_of(&visitor).await), 1);
    visit.browser.close().await;
}
