//! Who somebody is, and for how long a visit is one.

use serde_json::json;

use crate::visit::Visit;

#[tokio::test]
async fn a_session_ends_after_thirty_minutes_without_an_event() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    let first = visit.browser.text("trailkeep.sessionId").await;
    let ago = |minutes: u32| {
        format!(
            "(() => {{ const known = JSON.parse(localStorage.tk_v); known.t -= {minutes} * 6e4; \
             localStorage.tk_v = JSON.stringify(known) }})()"
        )
    };
    visit.browser.value(&ago(29)).await;
    visit.steps(0, 1).await;
    assert_eq!(visit.browser.text("trailkeep.sessionId").await, first);
    visit.browser.value(&ago(31)).await;
    visit.steps(1, 2).await;
    let second = visit.browser.text("trailkeep.sessionId").await;
    assert_ne!(second, first);
    let types = ["session_start", "page_view", "step", "session_start", "step"];
    let events = visit.until_types_are(&visitor, &types).await;
    assert_eq!(events[3]["sessionId"], second.as_str());
    visit.browser.close().await;
}

#[tokio::test]
async fn who_signs_in_was_the_visitor_of_before_and_who_signs_out_is_another() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 1).await;
    visit
        .browser
        .value(
            "(trailkeep.identify(7, { email: 'ann@example.com' }), \
             trailkeep.group('acme', { name: 'Acme' }))",
        )
        .await;
    visit.steps(1, 2).await;
    // The journey of the user has what was done before, by the link.
    visit.until_arrived("7", 0, 2).await;
    let events = visit.events_of("7").await;
    let of = |kind: &str| events.iter().find(|event| event["type"] == kind).expect(kind).clone();
    assert_eq!(of("identify")["payload"]["traits"], json!({ "email": "ann@example.com" }));
    assert_eq!(of("group")["accountId"], "acme");
    assert_eq!(of("group")["payload"]["traits"], json!({ "name": "Acme" }));
    assert_eq!(events.last().expect("events")["accountId"], "acme");
    visit.browser.value("trailkeep.reset()").await;
    visit.steps(2, 3).await;
    let other = visit.visitor().await;
    assert_ne!(other, visitor);
    visit.until_arrived(&other, 2, 3).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn an_alias_joins_what_was_done_under_another_id() {
    let Some(visit) = Visit::begin().await else { return };
    let event = json!({ "userId": "kiosk-17", "type": "step", "payload": { "n": 0 } });
    visit.service().post(&event).await.expect(202);
    visit.goes_to("/").await;
    visit.browser.value("trailkeep.alias('ann', 'kiosk-17')").await;
    visit.until_arrived("ann", 0, 1).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_clock_that_is_three_hours_off_does_no_harm() {
    let Some(visit) = Visit::begin().await else { return };
    visit.prepares_pages("Date.now = (now => () => now() - 3 * 36e5)(Date.now)").await;
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 1).await;
    visit.until_arrived(&visitor, 0, 1).await;
    for event in visit.events_of(&visitor).await {
        let time = |field: &str| {
            let text = event[field].as_str().expect("a time");
            chrono::DateTime::parse_from_rfc3339(text).expect("a time")
        };
        let off = (time("receivedAt") - time("occurredAt")).num_seconds().abs();
        assert!(off < 60, "{event}");
    }
    visit.browser.close().await;
}
