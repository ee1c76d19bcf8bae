//! What holds for every view, in light and dark, on a desk and on a telephone.

use crate::axe;
use crate::browser::{Browser, quoted};
use crate::stage::{Stage, stage};
use crate::views::{View, Who, views};

/// Goes to a view as whoever it is for, and waits until it is complete.
pub async fn show(browser: &Browser, stage: &Stage, view: &View) {
    let service = if view.who == Who::First { &stage.fresh } else { &stage.service };
    browser.expects(view.complaint.as_slice());
    browser.goto(&service.url(&view.path)).await;
    if let Some(link) = view.link {
        browser.until_there(link).await;
        let to = browser.text(&format!("document.querySelector({}).href", quoted(link))).await;
        browser.goto(&to).await;
    }
    browser.until("document.readyState === 'complete'").await;
    browser.until("!document.querySelector('[data-fill] > a')").await;
    if !view.then.is_empty() {
        browser.value(view.then).await;
    }
}

/// The views of those who are signed in come last.
pub fn in_order() -> Vec<View> {
    let mut views = views();
    views.sort_by_key(|view| view.who == Who::Admin);
    views
}

async fn faults(browser: &Browser) -> Vec<String> {
    let mut faults = axe::violations(browser).await;
    let width = browser
        .value("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        .await;
    if width[0].as_u64() > width[1].as_u64() {
        let wide = browser
            .value(
                "[...document.querySelectorAll('body *')].filter((one) => \
                 one.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map((one) => \
                 `${one.tagName}.${one.getAttribute('class')}: ${one.textContent.slice(0, 40)}`)",
            )
            .await;
        faults.push(format!("the page is {} wide in {}: {wide}", width[0], width[1]));
    }
    let heads = browser.count("h1").await;
    if heads != 1 {
        faults.push(format!("there are {heads} h1"));
    }
    faults.extend(browser.complaints().await);
    faults
}

/// In light, and then the same page in the dark, where only its colours are other.
async fn walk(width: u32) {
    let Some(browser) = Browser::open().await else { return };
    let stage = stage().await;
    browser.is_wide(width).await;
    axe::comes_along(&browser).await;
    let mut told = Vec::new();
    let mut is_signed_in = false;
    for view in in_order() {
        if view.who == Who::Admin && !is_signed_in {
            browser.is_admin(&stage.service).await;
            is_signed_in = true;
        }
        browser.is_dark(false).await;
        show(&browser, stage, &view).await;
        let mut faults = faults(&browser).await;
        assert_eq!(axe::version(&browser).await, "4.12.1", "axe has looked");
        browser.is_dark(true).await;
        let in_the_dark = axe::violations_of_colours(&browser).await;
        faults.extend(in_the_dark.into_iter().map(|fault| format!("in the dark: {fault}")));
        told.extend(faults.into_iter().map(|fault| format!("{}: {fault}", view.name)));
    }
    assert!(told.is_empty(), "{} faults:\n{}", told.len(), told.join("\n\n"));
    browser.close().await;
}

/// Else the others would hold of any page.
#[tokio::test]
async fn a_page_with_faults_is_seen_to_have_them() {
    let Some(browser) = Browser::open().await else { return };
    let stage = stage().await;
    axe::comes_along(&browser).await;
    browser.is_wide(360).await;
    browser.goto(&stage.service.url("/console/sign-in")).await;
    assert_eq!(faults(&browser).await, [""; 0]);
    let spoil = "document.querySelector('main').append(\
                 document.createElement('h1'), document.createElement('img')), \
                 document.querySelector('main img').src = 'https://elsewhere.example/x.png', \
                 document.querySelector('main h1:last-of-type').style.minWidth = '700px', \
                 document.querySelector('main').append(document.createElement('style')), \
                 document.querySelector('main style').textContent = 'p { color: red }', \
                 setTimeout(() => { throw new Error('a script failed'); })";
    browser.value(spoil).await;
    browser.until("document.querySelector('main img').complete").await;
    let found = faults(&browser).await.join("\n");
    browser.is_dark(true).await;
    let gray = "document.querySelector('main h1').style.color = 'rgb(60, 60, 60)'";
    browser.value(gray).await;
    let in_the_dark = axe::violations_of_colours(&browser).await.join("\n");
    assert!(in_the_dark.contains("color-contrast"), "{in_the_dark}");
    let parts = ["image-alt", "there are 2 h1", "wide in 360:", "img-src", "a script failed"];
    for part in parts.into_iter().chain(["style-src"]) {
        assert!(found.contains(part), "{part} is not in:\n{found}");
    }
    browser.close().await;
}

#[tokio::test]
async fn every_view_is_for_everybody_on_a_desk() {
    walk(1280).await;
}

#[tokio::test]
async fn every_view_is_for_everybody_on_a_telephone() {
    walk(360).await;
}
