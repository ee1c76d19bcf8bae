//! From the first start to somebody's page.

use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;
use trailkeep_testkit::staff::{ADMIN, PASSWORD};

use crate::browser::{Browser, ENTER};
use crate::stage::stage;
use crate::story::{LENA, LENA_EMAIL};
use crate::views::has_route;

#[tokio::test]
async fn whoever_starts_it_sets_it_up_signs_out_and_signs_in_again() {
    let Some(browser) = Browser::open().await else { return };
    let home = Home::embedded();
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let code = service.set_up_code().await.expect("a set-up code");

    browser.goto(&service.url("/")).await;
    browser.until_at("/console/set-up").await;
    let refused = ["/console/set-up - Failed to load", "/console/sign-in - Failed to load"];
    browser.expects(&refused);
    browser.enter("#code", "not-the-code").await;
    browser.enter("#name", "Ada Lovelace").await;
    browser.enter("#email", ADMIN).await;
    browser.enter("#password", PASSWORD).await;
    browser.click(".btn.primary").await;
    browser.until_there("[role=alert]").await;
    assert_eq!(browser.text("document.querySelector('#name').value").await, "Ada Lovelace");
    assert_eq!(browser.text("document.querySelector('#password').value").await, "");

    browser.value("document.querySelector('#code').value = ''").await;
    browser.enter("#code", &code).await;
    browser.enter("#password", PASSWORD).await;
    browser.click(".btn.primary").await;
    browser.until("location.pathname !== '/console/set-up'").await;
    if !has_route("/console/connect") {
        // Where it leads then is not there yet.
        browser.expects(&[refused[0], refused[1], "status of 404"]);
    }

    browser.goto(&service.url("/console/")).await;
    browser.click("details.menu > summary").await;
    assert!(browser.says("details.menu .who").await.contains("Ada Lovelace"));
    browser.click("form[action='/console/sign-out'] button").await;
    browser.until_at("/console/sign-in").await;
    browser.goto(&service.url("/console/")).await;
    browser.until_at("/console/sign-in").await;

    browser.sign_in(ADMIN, "several words are worst").await;
    browser.until_there("[role=alert]").await;
    assert_eq!(browser.text("document.querySelector('#email').value").await, ADMIN);
    browser.enter("#password", PASSWORD).await;
    browser.press(ENTER).await;
    browser.until_at("/console/").await;
    assert_eq!(browser.says("h1").await, "Find");
    browser.close().await;
}

#[tokio::test]
async fn the_link_in_the_log_brings_the_code_along() {
    let Some(browser) = Browser::open().await else { return };
    let fresh = &stage().await.fresh;
    let code = fresh.set_up_code().await.expect("a set-up code");
    let log = fresh.log();
    let (_, rest) = log.split_once("/console/set-up?code=").unwrap_or_else(|| panic!("{log}"));
    assert!(rest.starts_with(&code));
    browser.goto(&fresh.url(&format!("/console/set-up?code={code}"))).await;
    assert_eq!(browser.text("document.querySelector('#code').value").await, code);
    assert_eq!(browser.text("document.activeElement.id").await, "name");
    browser.close().await;
}

#[tokio::test]
async fn the_beginning_of_an_address_leads_to_its_user_as_one_types() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url("/console/")).await;
    assert_eq!(browser.text("document.activeElement.id").await, "q");
    browser.mark().await;
    browser.press("len").await;
    browser.until("document.querySelectorAll('#results .hit-row').length >= 3").await;
    browser.press("a.brandt@").await;
    browser.until("document.querySelectorAll('#results .hit-row').length === 1").await;
    browser.assert_is_the_same_page().await;
    assert_eq!(browser.place().await, "/console?q=lena.brandt%40");
    assert!(browser.says("#results .hit-row").await.contains("Lena Brandt"));
    browser.press(ENTER).await;
    browser.until_at(&format!("/console/users/{LENA}")).await;
    assert_eq!(browser.says("h1").await, "Lena Brandt");
    assert!(browser.says(".strip").await.contains(LENA_EMAIL));
    assert!(browser.says(".strip").await.contains("On the site now"));

    browser.goto(&service.url("/console/")).await;
    browser.until_there("#recents:not([hidden]) .hit-row").await;
    assert!(browser.says("#recents .hit-row").await.contains("Lena Brandt"));
    browser.close().await;
}

#[tokio::test]
async fn nobody_is_told_apart_from_nothing_typed() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url("/console/")).await;
    assert_eq!(browser.count("#results .empty").await, 0);
    browser.press("nobody is called so").await;
    let told = "document.querySelector('#results .empty')?.textContent";
    browser.until(&format!("{told}.includes('nobody is called so')")).await;
    browser.value("document.querySelector('#q').select()").await;
    browser.press("lennart").await;
    browser.until_there("#results .hit-row").await;
    assert_eq!(browser.count("#results .empty").await, 0);
    browser.close().await;
}
