//! A session that ends while one works.

use reqwest::Method;
use serde_json::json;
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;
use trailkeep_testkit::staff::{ADMIN, PASSWORD, token_of};

use crate::browser::{Browser, ENTER};
use crate::stage::{stage, store};

/// A browser with a session of its own, which is told.
async fn signed_in(service: &Service) -> Option<(Browser, String)> {
    let browser = Browser::open().await?;
    let token = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    browser.has_session(service, &token).await;
    Some((browser, token))
}

async fn end(service: &Service, token: &str) {
    let request = service.request(Method::POST, "/api/auth/sign-out").bearer_auth(token);
    service.send_as_it_is(request).await.expect(200);
}

#[tokio::test]
async fn a_link_after_the_session_ended_leads_there_once_one_is_signed_in() {
    if crate::browser::chromium::programs().is_none() {
        return;
    }
    let service = &stage().await.service;
    let Some((browser, token)) = signed_in(service).await else { return };
    // A filtered page is not live, and so does not lead to signing in by itself.
    browser.goto(&service.url("/console/users/u_9001?type=page_view")).await;
    end(service, &token).await;
    browser.goto(&service.url("/console/users/u_9001?type=identify")).await;
    browser.until_at("/console/sign-in?back=").await;
    browser.sign_in(ADMIN, PASSWORD).await;
    browser.until_at("/console/users/u_9001?type=identify").await;
    assert_eq!(browser.says("h1").await, "Marta Kowalska");
    browser.close().await;
}

#[tokio::test]
async fn what_a_script_asks_after_the_session_ended_leads_to_signing_in_and_back() {
    if crate::browser::chromium::programs().is_none() {
        return;
    }
    let service = &stage().await.service;
    let Some((browser, token)) = signed_in(service).await else { return };
    browser.expects(&["status of 401"]);
    // A filtered page is not live, and hears of it only when it asks.
    browser.goto(&service.url("/console/users/u_9001?type=identify")).await;
    end(service, &token).await;
    browser.click(".event .row").await;
    browser.until_at("/console/sign-in?back=").await;
    browser.sign_in(ADMIN, PASSWORD).await;
    browser.until_at("/console/users/u_9001?type=identify").await;

    // While one types, too.
    browser.goto(&service.url("/console/")).await;
    browser.value("document.querySelector('#q').focus()").await;
    browser.cdp("Network.clearBrowserCookies", json!({})).await;
    browser.press("mar").await;
    browser.until_at("/console/sign-in?back=").await;
    browser.sign_in(ADMIN, PASSWORD).await;
    browser.until_at("/console?q=mar").await;
    browser.close().await;
}

#[tokio::test]
async fn a_live_page_leads_to_signing_in_when_its_session_ends() {
    let Some(browser) = Browser::open().await else { return };
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let here = json!({ "userId": "u", "type": "page_view", "payload": { "path": "/" } });
    store(&service, std::slice::from_ref(&here)).await;
    let token = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    browser.has_session(&service, &token).await;
    browser.expects(&["status of 401"]);
    browser.goto(&service.url("/console/users/u")).await;
    browser.until_there("[data-do=live] .dot.good").await;
    end(&service, &token).await;
    service.post(&here).await.expect(202);
    browser.until_at("/console/sign-in?back=").await;
    browser.sign_in(ADMIN, PASSWORD).await;
    browser.until_at("/console/users/u").await;
    browser.press(ENTER).await;
    browser.close().await;
}
