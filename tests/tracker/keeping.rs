//! That nothing is lost, and nothing is there twice.

use crate::gate::Way;
use crate::visit::Visit;

#[tokio::test]
async fn five_hundred_events_outlive_a_crash_of_the_service_in_their_middle() {
    let Some(mut visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    let track = "(async () => { for (let n = 0; n < 500; n++) { trailkeep.track('step', { n }); \
                 window.made = n; if (n % 5 == 0) await new Promise((r) => setTimeout(r, 20)) } })()";
    visit.browser.value(&format!("void {track}")).await;
    visit.browser.until("window.made > 200").await;
    visit.service_crashes().await;
    visit.browser.until("window.made == 499").await;
    visit.service_returns(&[]).await;
    visit.until_arrived(&visitor, 0, 500).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn what_was_tracked_without_a_network_arrives_after_a_reload() {
    let Some(visit) = Visit::begin().await else { return };
    visit.gate.is(Way::Cut);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 30).await;
    visit.until_passed(2).await;
    visit.goes_to("/").await;
    visit.steps(30, 40).await;
    visit.until_passed(4).await;
    visit.gate.is(Way::Open);
    visit.until_arrived(&visitor, 0, 40).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_network_that_returns_is_used_at_once() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    let network = |is_away: bool| {
        let conditions = serde_json::json!({
            "offline": is_away, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        visit.browser.cdp("Network.emulateNetworkConditions", conditions)
    };
    visit.browser.cdp("Network.enable", serde_json::json!({})).await;
    network(true).await;
    visit.steps(0, 50).await;
    visit.browser.until("!navigator.onLine").await;
    network(false).await;
    visit.until_arrived(&visitor, 0, 50).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_tab_that_is_closed_right_after_tracking_loses_nothing() {
    let Some(visit) = Visit::begin().await else { return };
    let first = visit.browser.tab().await;
    for n in 0..50 {
        visit.browser.open_tab().await;
        visit.goes_to("/").await;
        visit.steps(n, n + 1).await;
        visit.browser.closes_tab(&first).await;
    }
    // The next visit takes on what did not get through.
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.until_arrived(&visitor, 0, 50).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_tab_that_is_closed_without_a_network_leaves_its_events_to_the_next_visit() {
    let Some(visit) = Visit::begin().await else { return };
    let first = visit.browser.tab().await;
    visit.gate.is(Way::Cut);
    visit.browser.open_tab().await;
    visit.goes_to("/").await;
    visit.steps(0, 150).await;
    visit.browser.closes_tab(&first).await;
    visit.gate.is(Way::Open);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.until_arrived(&visitor, 0, 150).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn without_storage_what_waits_goes_out_as_the_page_goes() {
    let Some(visit) = Visit::begin().await else { return };
    visit
        .prepares_pages(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })",
        )
        .await;
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 10).await;
    visit.leaves().await;
    visit.until_arrived(&visitor, 0, 10).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn with_full_storage_events_are_sent_all_the_same() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/").await;
    let fill = "(() => { for (let size = 4e6; size > 0; size >>= 1) try { for (let n = 0; ; n++) \
                localStorage['shop' + size + n] = 'x'.repeat(size) } catch {} })()";
    visit.browser.value(fill).await;
    let visitor = visit.visitor().await;
    visit.steps(0, 150).await;
    visit.until_arrived(&visitor, 0, 150).await;
    visit.browser.close().await;
}
