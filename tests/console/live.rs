//! Events as they come.

use chrono::Utc;
use serde_json::{Value, json};
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;

use crate::browser::Browser;
use crate::stage::store;
use crate::story;

/// A user's page, live, at a service of the test's own.
struct Watched {
    _home: Home,
    service: Service,
    browser: Browser,
}

async fn watched() -> Option<Watched> {
    let browser = Browser::open().await?;
    let home = Home::embedded();
    let service = Service::start(&home).await;
    store(&service, &story::events(Utc::now())).await;
    browser.is_admin(&service).await;
    browser.goto(&service.url(&format!("/console/users/{}", story::LENA))).await;
    browser.until_there("[data-do=live][aria-pressed=true] .dot.good").await;
    browser.mark().await;
    Some(Watched { _home: home, service, browser })
}

fn happens(id: &str, kind: &str) -> Value {
    json!({
        "userId": story::LENA, "type": kind, "eventId": id, "sessionId": "s-today",
        "payload": { "form": "address" },
    })
}

fn row(id: &str) -> String {
    format!(".event .row[value='{id}']")
}

#[tokio::test]
async fn an_event_slides_in_on_top_without_a_reload() {
    let Some(Watched { _home, service, browser }) = watched().await else { return };
    let before = browser.count(".event").await;
    service.post(&happens("evt-now", "form_submit")).await.expect(202);
    browser.until_there(&row("evt-now")).await;
    assert_eq!(browser.text("document.querySelector('.event .row').value").await, "evt-now");
    assert!(browser.says(".event").await.contains("Submitted form address"));
    service.post(&happens("evt-next", "form_submit")).await.expect(202);
    browser.until_there(&row("evt-next")).await;
    assert_eq!(browser.count(".event").await, before + 2, "nothing is shown twice");
    browser.assert_is_the_same_page().await;
    browser.close().await;
}

#[tokio::test]
async fn what_comes_while_one_reads_further_down_is_counted_and_moves_nothing() {
    let Some(Watched { _home, service, browser }) = watched().await else { return };
    browser.value("scrollTo(0, 900)").await;
    browser.until("scrollY > 800").await;
    let place = "document.querySelector('.of-day:last-of-type').getBoundingClientRect().top";
    let before = browser.value(place).await;
    service.post(&happens("evt-1", "form_submit")).await.expect(202);
    browser.until("document.querySelector('#news .pill')?.textContent === '1 new'").await;
    service.post(&happens("evt-2", "form_submit")).await.expect(202);
    browser.until("document.querySelector('#news .pill')?.textContent === '2 new'").await;
    assert_eq!(browser.value(place).await, before, "what is read does not move");
    assert_eq!(browser.count(&row("evt-1")).await, 0);
    browser.click("#news .pill").await;
    browser.until_there(&row("evt-2")).await;
    browser.until_there(&row("evt-1")).await;
    browser.until("scrollY === 0").await;
    assert_eq!(browser.count("#news .pill").await, 0);
    browser.assert_is_the_same_page().await;
    browser.close().await;
}

#[tokio::test]
async fn live_is_paused_and_goes_on_with_what_came_meanwhile() {
    let Some(Watched { _home, service, browser }) = watched().await else { return };
    browser.click("[data-do=live]").await;
    browser.until_there("[data-do=live][aria-pressed=false]").await;
    service.post(&happens("evt-paused", "form_submit")).await.expect(202);
    // The stream of somebody else has it, so this page would by now, were it not paused.
    browser
        .resolved(&format!("fetch('/users/{}/journey?limit=1').then((a) => a.text())", story::LENA))
        .await;
    assert_eq!(browser.count(&row("evt-paused")).await, 0);
    browser.press("l").await;
    browser.until_there(&row("evt-paused")).await;
    browser.assert_is_the_same_page().await;
    browser.close().await;
}

#[tokio::test]
async fn a_filtered_page_stays_as_it_is() {
    let Some(Watched { _home, service, browser }) = watched().await else { return };
    browser.goto(&service.url(&format!("/console/users/{}?type=error", story::LENA))).await;
    browser.until("document.readyState === 'complete'").await;
    assert!(browser.count("[data-do=live][hidden]").await == 1);
    service.post(&happens("evt-other", "form_submit")).await.expect(202);
    browser.goto(&service.url(&format!("/console/users/{}", story::LENA))).await;
    browser.until_there(&row("evt-other")).await;
    browser.close().await;
}
