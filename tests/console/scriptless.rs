//! Without scripts.

use trailkeep_testkit::staff::{ADMIN, PASSWORD};

use crate::browser::{Browser, ENTER};
use crate::stage::stage;
use crate::story::{ERROR, LENA};

#[tokio::test]
async fn everything_but_live_works_without_scripts() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.runs_no_scripts().await;
    browser.goto(&service.url("/")).await;
    browser.until_at("/console/sign-in").await;
    browser.sign_in(ADMIN, PASSWORD).await;
    browser.until_at("/console/").await;
    assert!(browser.says("noscript").await.contains("press Enter"));

    browser.enter("#q", "len").await;
    browser.press(ENTER).await;
    browser.until_there("#results .hit-row").await;
    assert!(browser.count("#results .hit-row").await >= 3);
    browser.click(&format!("#results .hit-row[href='/console/users/{LENA}']")).await;
    browser.until_at(&format!("/console/users/{LENA}")).await;
    assert_eq!(browser.says("h1").await, "Lena Brandt");
    assert!(
        browser.value("document.querySelector('[data-do=live]').checkVisibility()").await == false
    );

    browser.click("label.chip:has(input[value=payment_failed])").await;
    browser.click("[data-without-scripts]").await;
    browser.until("document.querySelectorAll('.event').length === 1").await;
    browser.click(&format!(".row[value='{ERROR}']")).await;
    browser.until_there(".opened").await;
    assert!(browser.says(".opened").await.contains("insufficient_funds"));
    let row = format!(".row[value='{ERROR}'][aria-expanded=true]");
    assert_eq!(browser.count(&row).await, 1);
    assert_eq!(browser.count(".event").await, 1, "the filter stays");

    browser.goto(&service.url(&format!("/console/users/{LENA}"))).await;
    let newest = browser.text("document.querySelector('.event .row').value").await;
    browser.click("[data-more=older]").await;
    browser.until_there("[data-more=newer]").await;
    assert_ne!(browser.text("document.querySelector('.event .row').value").await, newest);
    browser.click("[data-more=newer]").await;
    browser.until(&format!("document.querySelector('.event .row').value === '{newest}'")).await;

    browser.click(".facts a[href$='activity=true']").await;
    browser.until("document.querySelector('.facts .spark')").await;
    browser.goto(&service.url("/console/")).await;
    browser.click("details.menu > summary").await;
    browser.click("form[action='/console/sign-out'] button").await;
    browser.until_at("/console/sign-in").await;
    browser.close().await;
}
