//! The service, or its database, is not there for a while.

use chrono::Utc;
use serde_json::json;
use trailkeep_testkit::home::Home;
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::service::Service;

use crate::browser::Browser;
use crate::stage::store;
use crate::story::{self, LENA};

#[tokio::test]
async fn a_live_page_says_that_the_service_is_gone_and_goes_on_when_it_is_back() {
    let Some(browser) = Browser::open().await else { return };
    let home = Home::embedded();
    let port = free_port().unwrap().to_string();
    let settings = [("PORT", &*port)];
    let service = Service::start_with(&home, &settings).await;
    store(&service, &story::events(Utc::now())).await;
    browser.is_admin(&service).await;
    browser.goto(&service.url(&format!("/console/users/{LENA}"))).await;
    browser.until_there("[data-do=live] .dot.good").await;
    browser.mark().await;

    browser.expects(&["net::ERR_"]);
    service.crash().await;
    browser.until_there("[data-do=live] .dot.warn").await;
    browser.click(".event .row").await;
    browser
        .until("document.querySelector('#toast').textContent === 'The service does not answer.'")
        .await;

    let service = Service::start_with(&home, &settings).await;
    let event = json!({
        "userId": LENA, "type": "form_submit", "eventId": "evt-back", "payload": { "form": "f" },
    });
    service.post(&event).await.expect(202);
    browser.until_there(".row[value='evt-back']").await;
    browser.until_there("[data-do=live] .dot.good").await;
    browser.assert_is_the_same_page().await;
    browser.close().await;
}

/// Tries that fail soon, so that the test need not wait for the defaults.
const IMPATIENT: [(&str, &str); 3] = [
    ("WRITE_TIMEOUT_MS", "2000"),
    ("WRITE_BACKOFF_MAX_MS", "500"),
    ("HEALTH_CHECK_INTERVAL_MS", "100"),
];

#[tokio::test]
async fn a_database_that_is_away_is_told_in_words_and_pages_work_again_after_it() {
    let Some(browser) = Browser::open().await else { return };
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &IMPATIENT).await;
    store(&service, &story::events(Utc::now())).await;
    browser.is_admin(&service).await;
    let lena = service.url(&format!("/console/users/{LENA}"));
    browser.goto(&lena).await;
    assert_eq!(browser.count(".banner").await, 0);

    server.kill();
    browser.expects(&["status of 503"]);
    let event = json!({ "userId": LENA, "type": "form_submit", "eventId": "evt-waits" });
    service.post(&event).await.expect(202);
    service.wait_until_health_is(503).await;
    // Whoever it knew stays signed in, and is told.
    browser.until_there("#journey").await;
    browser.goto(&service.url("/console/")).await;
    let text = browser.says(".banner[role=alert]").await;
    assert!(
        text.contains("The database is away since") && text.contains("1 event waits"),
        "{text}"
    );
    assert_eq!(browser.count("#q").await, 1);

    // What cannot be shown says so on a page, with a way on.
    browser.goto(&lena).await;
    assert_eq!(browser.count("h1").await, 1);
    let page = browser.says("main").await;
    assert!(page.to_lowercase().contains("database"), "{page}");
    browser.until_there("a.btn.primary").await;

    server.restart();
    service.wait_until_flushed().await;
    service.wait_until_health_is(200).await;
    browser.click("a.btn.primary").await;
    browser.until_there(".row[value='evt-waits']").await;
    assert_eq!(browser.count(".banner").await, 0);
    browser.close().await;
}
