//! What a visitor has agreed to, in each state.

use crate::visit::Visit;

const GLOBAL_PRIVACY_CONTROL: &str =
    "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })";

#[tokio::test]
async fn while_consent_is_pending_nothing_is_stored_or_sent_and_then_nothing_is_missing() {
    let Some(visit) = Visit::begin().await else { return };
    visit.site.has(&visit.tag("data-consent=pending"), "");
    visit.goes_to("/").await;
    visit.steps(0, 30).await;
    visit.browser.resolved("trailkeep.flush()").await;
    assert!(visit.kept().await.is_empty());
    assert_eq!(visit.browser.text("document.cookie").await, "");
    assert!(visit.gate.passed().is_empty());
    let visitor = visit.visitor().await;
    visit.browser.value("trailkeep.consent('granted')").await;
    visit.until_arrived(&visitor, 0, 30).await;
    assert_eq!(visit.events_of(&visitor).await[1]["type"], "page_view");
    // The choice lasts, and so does the visitor.
    visit.goes_to("/").await;
    assert_eq!(visit.visitor().await, visitor);
    visit.steps(30, 31).await;
    visit.until_arrived(&visitor, 0, 31).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn once_consent_is_denied_nothing_is_recorded_and_nothing_is_left() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 1).await;
    visit.until_arrived(&visitor, 0, 1).await;
    visit.browser.value("trailkeep.consent('denied')").await;
    assert_eq!(visit.kept().await, ["tk_c"]);
    let before = visit.gate.passed().len();
    visit.steps(1, 2).await;
    // No choice of the page's own comes before that of the visitor.
    visit.site.has(&visit.tag("data-consent=granted"), "");
    visit.goes_to("/other").await;
    visit.steps(2, 3).await;
    visit.browser.resolved("trailkeep.flush()").await;
    visit.leaves().await;
    assert_eq!(visit.gate.passed().len(), before);
    visit.browser.close().await;
}

#[tokio::test]
async fn without_an_id_that_lasts_events_are_sent_and_nothing_is_stored() {
    let Some(visit) = Visit::begin().await else { return };
    visit.site.has(&visit.tag("data-consent=none"), "");
    visit.goes_to("/").await;
    let first = visit.visitor().await;
    visit.steps(0, 5).await;
    assert!(visit.kept().await.is_empty());
    visit.until_arrived(&first, 0, 5).await;
    visit.goes_to("/").await;
    let second = visit.visitor().await;
    assert_ne!(second, first);
    visit.steps(5, 6).await;
    visit.until_arrived(&second, 5, 6).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn global_privacy_control_is_a_no_until_the_visitor_says_yes() {
    let Some(visit) = Visit::begin().await else { return };
    visit.prepares_pages(GLOBAL_PRIVACY_CONTROL).await;
    visit.site.has(&visit.tag("data-consent=granted"), "");
    visit.goes_to("/").await;
    visit.steps(0, 1).await;
    visit.browser.resolved("trailkeep.flush()").await;
    assert!(visit.kept().await.is_empty());
    assert!(visit.gate.passed().is_empty());
    visit.browser.value("trailkeep.consent('granted')").await;
    visit.steps(1, 2).await;
    let visitor = visit.visitor().await;
    visit.until_arrived(&visitor, 1, 2).await;
    visit.browser.close().await;
}
