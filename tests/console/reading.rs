//! A user's journey: filtered, opened, hidden, followed back, taken along.

use std::fs;

use trailkeep_testkit::eventually::{SOON, eventually};

use crate::browser::Browser;
use crate::stage::stage;
use crate::story::{ERROR, LENA};

/// Events of hers on the page.
const EVENTS: &str =
    "[...document.querySelectorAll('#journey .event .row')].map((row) => row.value)";

async fn at_lena() -> Option<Browser> {
    let browser = Browser::open().await?;
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url(&format!("/console/users/{LENA}"))).await;
    Some(browser)
}

async fn events(browser: &Browser) -> Vec<String> {
    let events = browser.value(EVENTS).await;
    let ids = events.as_array().expect("a list").iter();
    ids.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_chip_shows_its_type_alone() {
    let Some(browser) = at_lena().await else { return };
    browser.click("label.chip:has(input[value=payment_failed])").await;
    browser.until_at(&format!("/console/users/{LENA}?")).await;
    assert!(browser.place().await.contains("type=payment_failed"));
    assert_eq!(events(&browser).await, [ERROR]);
    assert!(browser.says("#journey .event").await.contains("card declined"));
    browser.click("label.chip:has(input[value=payment_failed])").await;
    browser.until("document.querySelectorAll('#journey .event').length > 50").await;
    browser.close().await;
}

#[tokio::test]
async fn text_filters_what_is_loaded_as_one_types() {
    let Some(browser) = at_lena().await else { return };
    browser.mark().await;
    browser.enter("#text", "oak").await;
    let shown =
        "[...document.querySelectorAll('#journey .event')].filter((one) => one.checkVisibility())";
    browser.until(&format!("{shown}.length === 1")).await;
    assert!(browser.text(&format!("{shown}[0].textContent")).await.contains("floor lamp oak"));
    browser.assert_is_the_same_page().await;
    browser.close().await;
}

#[tokio::test]
async fn an_event_opens_to_its_json_where_it_is_and_closes() {
    let Some(browser) = at_lena().await else { return };
    browser.mark().await;
    let row = format!(".row[value='{ERROR}']");
    browser.click(&row).await;
    browser.until_there(".event .opened").await;
    let opened = browser.says(".event .opened").await;
    for part in [ERROR, "insufficient_funds", "payment_failed", "189"] {
        assert!(opened.contains(part), "{opened}");
    }
    assert_eq!(
        browser.text("document.querySelector('.opened').previousElementSibling.ariaExpanded").await,
        "true"
    );
    browser.assert_is_the_same_page().await;
    browser.click(&row).await;
    browser.until("!document.querySelector('.opened')").await;
    browser.close().await;
}

#[tokio::test]
async fn json_and_the_link_to_an_event_are_copied() {
    let Some(browser) = at_lena().await else { return };
    let permissions = serde_json::json!({
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
    });
    browser.cdp("Browser.grantPermissions", permissions).await;
    browser.click(&format!(".row[value='{ERROR}']")).await;
    browser.click(".opened [data-copy]").await;
    browser.until_there("#toast:not([hidden])").await;
    let copied = browser.resolved("navigator.clipboard.readText()").await;
    let json: serde_json::Value = serde_json::from_str(copied.as_str().unwrap()).expect("JSON");
    assert!(json.to_string().contains("insufficient_funds"), "{json}");

    browser.click(".opened [data-link]").await;
    browser.until("document.querySelector('#toast').textContent.startsWith('Link')").await;
    let link = browser.resolved("navigator.clipboard.readText()").await;
    browser.goto(link.as_str().expect("a link")).await;
    assert!(events(&browser).await.iter().any(|id| id == ERROR));
    browser.close().await;
}

#[tokio::test]
async fn a_type_is_hidden_counted_and_shown_again() {
    let Some(browser) = at_lena().await else { return };
    browser.click(".event[data-kind=button_click] .row").await;
    browser.click(".opened [name=hide]").await;
    browser.until_at(&format!("/console/users/{LENA}?")).await;
    assert_eq!(browser.count(".event[data-kind=button_click]").await, 0);
    assert!(browser.says(".hidden-types").await.contains("button_click hidden"));
    browser.click(".hidden-types .go").await;
    browser.until_there(".event[data-kind=button_click]").await;
    browser.close().await;
}

#[tokio::test]
async fn older_events_follow_without_a_new_page_none_twice_and_none_left_out() {
    let Some(browser) = at_lena().await else { return };
    let service = &stage().await.service;
    browser.mark().await;
    let mut seen = events(&browser).await.len();
    while browser.count("[data-more=older]").await > 0 {
        browser.click("[data-more=older]").await;
        browser
            .until(&format!("document.querySelectorAll('#journey .event').length > {seen}"))
            .await;
        browser.until("!document.querySelector('[data-more][aria-busy]')").await;
        seen = events(&browser).await.len();
    }
    browser.assert_is_the_same_page().await;
    assert!(browser.says("#journey").await.contains("There is nothing older."));
    let mut shown = events(&browser).await;
    let mut kept = service.export_ids(LENA).await;
    assert!(kept.len() > 200, "there are pages of them: {}", kept.len());
    shown.sort_unstable();
    kept.sort_unstable();
    assert_eq!(shown, kept);
    let times = browser
        .value("[...document.querySelectorAll('#journey .event .row time')].map((time) => time.dateTime)")
        .await;
    let times: Vec<&str> = times.as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the newest come first");
    let mut days = browser
        .value("[...document.querySelectorAll('.of-day')].map((day) => day.dataset.day)")
        .await;
    let days = days.as_array_mut().unwrap();
    let count = days.len();
    days.dedup();
    assert_eq!(days.len(), count, "a day that goes on has one head");
    browser.close().await;
}

#[tokio::test]
async fn a_journey_is_taken_along_as_a_file() {
    let Some(browser) = at_lena().await else { return };
    let service = &stage().await.service;
    let folder = browser.downloads().await;
    for (format, lines) in [("csv", 1), ("ndjson", 0)] {
        assert_eq!(browser.count("details.menu[open]").await, 0, "the menu closes by itself");
        browser.click(".strip details.menu > summary").await;
        browser.click(&format!("a[href$='/journey.{format}']")).await;
        let file = folder.join(format!("journey.{format}"));
        let text = eventually("the file is there", SOON, || {
            std::future::ready(fs::read_to_string(&file).ok().filter(|text| !text.is_empty()))
        })
        .await;
        let kept = service.export_ids(LENA).await;
        assert_eq!(text.lines().count(), kept.len() + lines, "{format}");
        assert!(text.contains(ERROR));
    }
    browser.close().await;
}

#[tokio::test]
async fn a_journey_is_copied_as_text_for_a_ticket() {
    let Some(browser) = at_lena().await else { return };
    let permissions =
        serde_json::json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    browser.cdp("Browser.grantPermissions", permissions).await;
    browser.click("[data-do=ticket]").await;
    browser.until_there("#toast:not([hidden])").await;
    let text = browser.resolved("navigator.clipboard.readText()").await;
    let text = text.as_str().expect("a text");
    assert!(text.contains("Lena Brandt") && text.contains("card declined"), "{text}");
    browser.close().await;
}

#[tokio::test]
async fn colours_are_chosen_and_kept() {
    let Some(browser) = at_lena().await else { return };
    let background = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(background).await;
    browser.click("header.top > details.menu > summary").await;
    browser.click(".colours [value=dark]").await;
    browser.until("document.documentElement.dataset.theme === 'dark'").await;
    assert_eq!(browser.place().await, format!("/console/users/{LENA}"), "one stays where one was");
    let dark = browser.text(background).await;
    assert_ne!(light, dark);
    browser.is_dark(true).await;
    browser.click("header.top > details.menu > summary").await;
    browser.click(".colours [value=light]").await;
    browser.until("document.documentElement.dataset.theme === 'light'").await;
    assert_eq!(browser.text(background).await, light, "a choice is above the system's");
    browser.close().await;
}
