//! Strangers' text in every field there is: it is text, on every page.

use reqwest::Method;
use serde_json::{Value, json};
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;
use trailkeep_testkit::staff::{PASSWORD, token_of};

use crate::browser::Browser;
use crate::stage::store;

/// What becomes an element wherever a text is taken for markup, in each way in which it
/// might run.
const MARKUP: &str = "\"'><img src=x onerror=window.owned=1><svg onload=window.owned=1>\
                      <script>window.owned=1</script></textarea></title><b class=owned>";
const LINK: &str = "javascript:window.owned=1";

fn events(text: &str, user: &str) -> Vec<Value> {
    let payload = json!({
        "path": text, "url": text, "title": text, "message": text, "error": text, "name": text,
        "button": text, "form": text, "query": text, "orderId": text, "currency": text,
        "total": 1, "referrer": text, "utm_source": text, "$browser": text, "$os": text,
        "timezone": text, "userAgent": text, text: text, "deep": { text: [text, { text: text }] },
        "link": LINK, "long": text.repeat(20),
    });
    let kinds = [
        "page_view",
        "session_start",
        "button_click",
        "form_submit",
        "error",
        "payment_failed",
        "search",
        "product_view",
        "add_to_cart",
        "order_placed",
        "group",
        "alias",
        &text.chars().take(60).collect::<String>(),
    ];
    let mut events: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            json!({
                "userId": user, "type": kind, "accountId": text, "sessionId": text,
                "payload": payload,
            })
        })
        .collect();
    events[0]["eventId"] = "evt-open".into();
    let traits = json!({ "name": text, "email": text, "plan": text, "link": LINK });
    events.push(json!({
        "userId": user, "anonymousId": format!("anon {text}"), "type": "identify",
        "payload": { "traits": traits },
    }));
    events
}

async fn assert_harmless(browser: &Browser, place: &str) {
    assert_eq!(browser.value("window.owned ?? null").await, Value::Null, "{place}: it ran");
    let made = browser.count(".owned, main img, [onerror], [onload], textarea:not([name])").await;
    assert_eq!(made, 0, "{place}: it became an element");
    let links = browser
        .value(
            "[...document.querySelectorAll('[href], [action], [formaction], [src]')].filter(\
             (one) => ['href', 'action', 'formaction', 'src'].some((name) => \
             /^\\s*javascript:/i.test(one.getAttribute(name) ?? ''))).length",
        )
        .await;
    assert_eq!(links, 0, "{place}: it became a link");
    browser.assert_no_complaint(place).await;
}

fn segment(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn text_of_strangers_is_text_in_every_field_of_every_page() {
    let Some(browser) = Browser::open().await else { return };
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for text in [MARKUP, LINK] {
        store(&service, &events(text, text)).await;
    }
    let body = json!({
        "email": "kim@example.com", "password": PASSWORD, "name": MARKUP, "role": "admin",
    });
    service.send(service.request(Method::POST, "/api/staff").json(&body)).await.expect(201);
    let agent = service
        .request(Method::POST, "/api/auth/sign-in/email")
        .header("user-agent", MARKUP)
        .json(&json!({ "email": "kim@example.com", "password": PASSWORD }));
    let token = token_of(&service.send_as_it_is(agent).await.expect(200));
    browser.has_session(&service, &token).await;

    for text in [MARKUP, LINK] {
        let text = segment(text);
        let user = format!("/console/users/{text}");
        let paths = [
            format!("/console/?q={text}"),
            format!("/console/?q={}", &text[..30]),
            user.clone(),
            format!("{user}?open=evt-open"),
            format!("{user}?type={text}&hide=page_view"),
            format!("{user}?hide={text}&text={text}&sessionId={text}"),
            format!("/console/sign-in?back={text}"),
            format!("/console/accounts/{text}"),
            "/console/live".to_owned(),
            "/console/system".to_owned(),
            "/console/staff".to_owned(),
            "/console/account".to_owned(),
            "/console/keys".to_owned(),
            "/console/audit".to_owned(),
            "/console/set-aside".to_owned(),
            "/console/processors".to_owned(),
        ];
        for path in paths {
            // Some of these are not there, or are of nobody: they say so, and what.
            browser.expects(&["status of 40"]);
            browser.goto(&service.url(&path)).await;
            browser.until("document.readyState === 'complete'").await;
            browser.until("!document.querySelector('[data-fill] > a')").await;
            assert_harmless(&browser, &path).await;
        }
        browser.expects(&["status of 40"]);
        browser.goto(&service.url(&format!("/console/users/{text}x"))).await;
        assert_harmless(&browser, "nobody").await;
        browser.goto(&service.url(&format!("{user}?day={text}"))).await;
        assert_harmless(&browser, "a failure").await;
    }
    browser.close().await;
}

#[tokio::test]
async fn text_of_strangers_stays_text_where_the_script_puts_it() {
    let Some(browser) = Browser::open().await else { return };
    let home = Home::embedded();
    let service = Service::start(&home).await;
    store(&service, &events(MARKUP, MARKUP)).await;
    browser.is_admin(&service).await;

    // Results and recent ones, as one types; an event opened; one that comes live.
    browser.goto(&service.url(&format!("/console/users/{}", segment(MARKUP)))).await;
    browser.until_there("[data-do=live] .dot.good").await;
    for number in 1..=5 {
        browser.click(&format!(".session .events > .event:nth-child({number}) > .row")).await;
        browser.until(&format!("document.querySelectorAll('.opened').length === {number}")).await;
    }
    browser
        .value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        .await;
    assert_harmless(&browser, "opened").await;
    browser.value("scrollTo(0, 0)").await;
    let mut live = events(MARKUP, MARKUP).remove(4);
    live["eventId"] = "evt-live".into();
    service.post(&live).await.expect(202);
    browser.until_there(".row[value='evt-live']").await;
    assert_harmless(&browser, "live").await;

    browser.goto(&service.url("/console/")).await;
    browser.until_there("#recents .hit-row").await;
    browser.enter("#q", &MARKUP[..8]).await;
    browser.until_there("#results .hit-row").await;
    assert_harmless(&browser, "results").await;
    browser.close().await;
}
