//! Views of pages, each once.

use trailkeep_testkit::eventually::{SOON, eventually};

use crate::visit::Visit;

/// The paths of views and leaves, with `-` before those that are left.
fn paths(events: &[serde_json::Value]) -> Vec<String> {
    let of = |event: &serde_json::Value| {
        let path = event["payload"]["path"].as_str()?;
        match event["type"].as_str()? {
            "page_view" => Some(path.to_owned()),
            "page_leave" => Some(format!("-{path}")),
            _ => None,
        }
    };
    events.iter().filter_map(of).collect()
}

async fn until_paths_are(visit: &Visit, visitor: &str, expected: &[&str]) {
    eventually(&format!("the pages are {expected:?}"), SOON, || async {
        (paths(&visit.events_of(visitor).await) == expected).then_some(())
    })
    .await;
}

/// Waits until these pages are seen and left, whatever comes first: a browser may tell a
/// page that it is left only when the next one is there.
async fn until_pages_are(visit: &Visit, visitor: &str, expected: &[&str]) {
    let mut sorted = expected.to_vec();
    sorted.sort_unstable();
    eventually(&format!("the pages are {expected:?}"), SOON, || async {
        let mut found = paths(&visit.events_of(visitor).await);
        found.sort_unstable();
        (found == sorted).then_some(())
    })
    .await;
}

async fn pages_of_an_application_are_seen_each_once(visit: &Visit) {
    visit.goes_to("/start?utm_source=mail&token=secret&ref=ann").await;
    let visitor = visit.visitor().await;
    visit
        .browser
        .value(
            "(history.pushState(0, '', '/lamps'), history.replaceState(0, '', '/lamps?page=2'), \
             history.pushState(0, '', '/lamps#top'), history.pushState(0, '', '/cart'))",
        )
        .await;
    visit.goes_back_within().await;
    until_paths_are(
        visit,
        &visitor,
        &["/start", "-/start", "/lamps", "-/lamps", "/cart", "-/cart", "/lamps"],
    )
    .await;
    let events = visit.events_of(&visitor).await;
    let first = &events.iter().find(|event| event["type"] == "page_view").expect("a view");
    let url = first["payload"]["url"].as_str().expect("an address");
    assert!(url.ends_with("/start?utm_source=mail&ref=ann"), "{url}");
    let start = &events[0]["payload"];
    assert_eq!(start["utm_source"], "mail", "{start}");
    assert!(!serde_json::to_string(&events).expect("JSON").contains("secret"));
}

impl Visit {
    async fn goes_back_within(&self) {
        self.browser.goes_back().await;
        self.browser.until("location.pathname == '/lamps'").await;
    }
}

#[tokio::test]
async fn pages_of_an_application_are_seen_each_once_by_the_navigation_api() {
    let Some(visit) = Visit::begin().await else { return };
    pages_of_an_application_are_seen_each_once(&visit).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn pages_of_an_application_are_seen_each_once_in_browsers_without_it() {
    let Some(visit) = Visit::begin().await else { return };
    visit.prepares_pages("Object.defineProperty(window, 'navigation', { value: undefined })").await;
    pages_of_an_application_are_seen_each_once(&visit).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_page_that_comes_back_out_of_the_cache_is_seen_again() {
    let Some(visit) = Visit::begin().await else { return };
    visit.goes_to("/one").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 1).await;
    visit.until_arrived(&visitor, 0, 1).await;
    visit.browser.mark().await;
    visit.goes_to("/two").await;
    visit.until_passed(2).await;
    visit.browser.goes_back().await;
    visit.browser.until("location.pathname == '/one'").await;
    // That it was cached at all: the tracker stands in no cache's way.
    visit.browser.assert_is_the_same_page().await;
    until_pages_are(&visit, &visitor, &["/one", "-/one", "/two", "-/two", "/one"]).await;
    visit.steps(1, 2).await;
    visit.until_arrived(&visitor, 0, 2).await;
    visit.browser.close().await;
}

#[tokio::test]
async fn a_page_that_is_prerendered_counts_when_it_is_seen() {
    let Some(visit) = Visit::begin().await else { return };
    let rules = "<script type=speculationrules>{\"prerender\": [{\"urls\": [\"/next\"], \
                 \"eagerness\": \"immediate\"}]}</script><a href=/next id=next>Next</a>";
    let tells = "<script>if (document.prerendering) { localStorage.prerendered = 1; \
                 trailkeep.track('step', { n: 0 }) }</script>";
    visit.site.has(&visit.tag(""), &format!("{rules}{tells}"));
    visit.goes_to("/one").await;
    let visitor = visit.visitor().await;
    visit.browser.until("localStorage.prerendered").await;
    until_paths_are(&visit, &visitor, &["/one"]).await;
    assert!(visit.numbers_of(&visitor).await.is_empty(), "nobody has seen that page");
    visit.browser.click("#next").await;
    until_pages_are(&visit, &visitor, &["/one", "-/one", "/next"]).await;
    visit.until_arrived(&visitor, 0, 1).await;
    visit.browser.close().await;
}
