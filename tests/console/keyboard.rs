//! By the keyboard alone.

use crate::browser::{Browser, ENTER, ESCAPE, TAB};
use crate::stage::stage;
use crate::story::LENA;

/// Whether what has the focus shows that.
const IS_SEEN: &str = "(() => { const one = document.activeElement; \
    const style = getComputedStyle(one); \
    return one !== document.body && one.matches(':focus-visible') \
    && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) \
    || style.boxShadow !== 'none'); })()";

async fn focus(browser: &Browser) -> String {
    browser.text("document.activeElement.outerHTML.slice(0, 200)").await
}

#[tokio::test]
async fn somebody_is_found_and_read_by_keys_alone() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url("/console/users/u_9001")).await;
    browser.until("document.readyState === 'complete'").await;
    browser.press("/").await;
    assert_eq!(browser.text("document.activeElement.id").await, "find");
    assert_eq!(
        browser.text("document.activeElement.value").await,
        "",
        "the key itself is not typed"
    );
    browser.press("lena.brandt@").await;
    browser.press(ENTER).await;
    browser.until_at(&format!("/console/users/{LENA}")).await;

    browser.press("j").await;
    assert!(
        browser.value("document.activeElement === document.querySelector('.event .row')").await
            == true
    );
    assert!(browser.value(IS_SEEN).await == true, "{}", focus(&browser).await);
    browser.press("jj").await;
    let third = "document.activeElement === document.querySelectorAll('.event .row')[2]";
    assert!(browser.value(third).await == true);
    browser.press("k").await;
    browser.press("o").await;
    browser.until_there(".opened").await;
    browser.press("o").await;
    browser.until("!document.querySelector('.opened')").await;

    browser.press("e").await;
    let is_error = "document.activeElement.closest('.event').classList.contains('k-err')";
    assert!(browser.value(is_error).await == true);
    assert!(browser.value(IS_SEEN).await == true, "{}", focus(&browser).await);
    browser.press("]").await;
    assert!(browser.value("document.activeElement.matches('.session > summary')").await == true);
    assert!(browser.value(IS_SEEN).await == true, "{}", focus(&browser).await);
    browser.press("f").await;
    assert!(browser.value("document.activeElement.matches('.chip input')").await == true);

    browser.press("?").await;
    browser.until_there("#keys[open]").await;
    browser.press("j").await;
    assert!(
        browser.value("document.querySelector('#keys').contains(document.activeElement)").await
            == true
    );
    browser.press(ESCAPE).await;
    browser.until("!document.querySelector('#keys').open").await;
    browser.close().await;
}

#[tokio::test]
async fn keys_that_are_switched_off_do_nothing_on_any_page() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url(&format!("/console/users/{LENA}"))).await;
    browser.press("?").await;
    browser.click("#keys-off").await;
    browser.press(ESCAPE).await;
    browser.press("j").await;
    assert!(browser.value("document.activeElement.matches('.row')").await == false);
    browser.goto(&service.url("/console/users/u_9001")).await;
    browser.press("/").await;
    assert_ne!(browser.text("document.activeElement.id").await, "find");
    browser.close().await;
}

#[tokio::test]
async fn whatever_the_tab_key_reaches_shows_that_it_is_reached() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    for (path, most) in [("/console/?q=len", 30), ("/console/users/u_9001", 60)] {
        browser.goto(&service.url(path)).await;
        browser.value("document.querySelector('.skip').focus()").await;
        let mut reached = 0;
        for _ in 0..most {
            browser.press(TAB).await;
            if browser.value("document.activeElement === document.body").await == true {
                break;
            }
            reached += 1;
            // Within a field of a date the browser itself marks the part.
            let is_within = "document.activeElement.type === 'date' && \
                             document.activeElement === window.before";
            let is_within = browser.value(is_within).await == true;
            browser.value("window.before = document.activeElement, 0").await;
            if is_within {
                continue;
            }
            // The box of a chip or a switch is drawn by its label.
            let is_seen = format!(
                "{IS_SEEN} || (() => {{ const label = document.activeElement.closest('label, .chip'); \
                 return !!label && getComputedStyle(label).outlineStyle !== 'none'; }})()"
            );
            assert!(browser.value(&is_seen).await == true, "{path}: {}", focus(&browser).await);
            assert!(
                browser.value("document.activeElement.checkVisibility()").await == true,
                "{path}: {}",
                focus(&browser).await
            );
        }
        assert!(reached > 8, "{path}: {reached}");
    }
    browser.close().await;
}

#[tokio::test]
async fn the_first_key_leads_past_the_frame_to_the_content() {
    let Some(browser) = Browser::open().await else { return };
    let service = &stage().await.service;
    browser.is_admin(service).await;
    browser.goto(&service.url(&format!("/console/users/{LENA}"))).await;
    browser.press(TAB).await;
    assert_eq!(browser.text("document.activeElement.className").await, "skip");
    browser.press(ENTER).await;
    browser.press(TAB).await;
    assert!(
        browser.value("document.querySelector('main').contains(document.activeElement)").await
            == true
    );
    browser.close().await;
}
