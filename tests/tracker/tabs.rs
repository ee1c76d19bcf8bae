//! Several tabs of one visitor.

use crate::gate::Way;
use crate::visit::Visit;

async fn tabs_are_one_visitor(count: u32) {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    let session = visit.browser.text("trailkeep.sessionId").await;
    let mut tabs = vec![visit.browser.tab().await];
    for _ in 1..count {
        tabs.push(visit.browser.open_tab().await);
        visit.goes_to("/").await;
        assert_eq!(visit.visitor().await, visitor);
        assert_eq!(visit.browser.text("trailkeep.sessionId").await, session);
    }
    // Half of it without a network, and the last one is closed meanwhile.
    visit.gate.is(Way::Cut);
    for (at, tab) in (0..count).zip(&tabs) {
        visit.browser.drives(tab).await;
        visit.steps(at * 20, at * 20 + 20).await;
    }
    visit.browser.closes_tab(&tabs[0]).await;
    visit.gate.is(Way::Open);
    for (at, tab) in (count..).zip(&tabs[..tabs.len() - 1]) {
        visit.browser.drives(tab).await;
        visit.steps(at * 20, at * 20 + 20).await;
    }
    visit.until_arrived(&visitor, 0, (2 * u64::from(count) - 1) * 20).await;
    let events = visit.events_of(&visitor).await;
    assert!(events.iter().all(|event| event["sessionId"] == session.as_str()));
    let starts = events.iter().filter(|event| event["type"] == "session_start");
    assert_eq!(starts.count(), 1);
    visit.browser.close().await;
}

#[tokio::test]
async fn two_tabs_are_one_visitor_and_the_one_takes_on_what_the_other_left() {
    tabs_are_one_visitor(2).await;
}

#[tokio::test]
async fn five_tabs_are_one_visitor_and_the_others_take_on_what_one_left() {
    tabs_are_one_visitor(5).await;
}

#[tokio::test]
async fn who_signs_in_in_one_tab_has_signed_in_in_all() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let first = visit.browser.tab().await;
    visit.browser.open_tab().await;
    visit.goes_to("/").await;
    visit.browser.value("trailkeep.identify('ann', { name: 'Ann' })").await;
    visit.browser.drives(&first).await;
    visit.steps(0, 1).await;
    visit.until_arrived("ann", 0, 1).await;
    visit.browser.close().await;
}
