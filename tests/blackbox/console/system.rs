//! The page of the service itself.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::json;

use super::reader::{assert_has, page, page_for, request};
use super::visitor::MARKUP;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;
use crate::staff::{PASSWORD, token_of};

on_both_stores!(
    what_comes_in_and_what_was_refused_is_told,
    all_of_the_staff_may_look_and_nobody_else,
);

const SYSTEM: &str = "/console/system";

async fn refuse(service: &Service, agent: &str) {
    let faulty = json!({"userId": "u", "type": "page_view", "sesionId": "s"});
    let request = service.request(Method::POST, "/events").header("user-agent", agent);
    service.send_as_it_is(request.json(&faulty)).await.expect(400);
}

async fn what_comes_in_and_what_was_refused_is_told(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "600000")]).await;
    let quiet = page(&service, SYSTEM).await;
    assert_has(&quiet, &["No request with events was refused.", "No request was refused."]);
    service.post(&sample::events("u", "e", 0..2)).await.expect(202);
    refuse(&service, "shop/1.0").await;
    refuse(&service, MARKUP).await;

    let told = eventually("what was counted is told", SOON, || async {
        let page = page(&service, SYSTEM).await;
        page.contains("2 requests were refused, most of them: Invalid events.").then_some(page)
    })
    .await;
    assert_has(
        &told,
        &[
            "<h1>System</h1>",
            "Well</span>",
            "<dt>Backlog</dt><dd>2 <small>events</small></dd><dd>0% of 5,000",
            "<h2 id=\"recent\">Last ten minutes</h2>",
            "At most 2 events, 2 at the end.",
            "<th scope=\"row\">Invalid events</th><td><code>sesionId</code>",
            "127.0.0.0/24",
            "<td class=\"num\">2</td>",
            "href=\"/console/set-aside\"",
            "answers</dd>",
            "content=\"30\"></noscript>",
        ],
    );
    assert!(!told.contains("<img") && !told.contains("style="), "{told}");
    assert!(!told.contains("class=\"banner"), "{told}");

    let fragment = page(&service, &format!("{SYSTEM}?fragment=true")).await;
    assert_has(&fragment, &["<h1>System</h1>", "<svg viewBox=\"0 0 60 100\""]);
    assert!(!fragment.contains("<html") && !fragment.contains("<header"), "{fragment}");
}

async fn all_of_the_staff_may_look_and_nobody_else(home: Home) {
    let service = Service::start(&home).await;
    let kim = json!({
        "email": "kim@example.com", "password": PASSWORD, "name": MARKUP, "role": "support",
    });
    let make = service.request(Method::POST, "/api/staff").json(&kim);
    service.send(make).await.expect(201);
    let session = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    let page = page_for(&service, &session, SYSTEM).await.expect(200).text();
    assert_has(&page, &["<h1>System</h1>", "kim@example.com, support"]);
    assert!(!page.contains("/console/set-aside"), "that is for administrators: {page}");
    assert!(!page.contains("<img"), "{page}");

    let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build();
    let stranger = browser.expect("a client").get(service.url(SYSTEM));
    let answer = stranger.header("accept", "text/html").send().await.expect("an answer");
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/console/sign-in?back=%2Fconsole%2Fsystem");
    page_for(&service, &session, "/console/system?sesion=1").await.expect(400);
}

#[tokio::test]
async fn a_database_that_is_away_is_told_to_who_was_signed_in_before() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let watchful = [("HEALTH_CHECK_INTERVAL_MS", "100"), ("WRITE_TIMEOUT_MS", "1000")];
    let service = Service::start_with(&home, &watchful).await;
    let cookies =
        format!("trailkeep={}; tk-zone=Asia%2FKolkata; tk-theme=dark", service.admin().await);
    let look = || service.send_as_it_is(request(&service, SYSTEM, &cookies));
    assert_has(&look().await.expect(200).text(), &["Well</span>", "data-zone=\"Asia/Kolkata\""]);
    server.pause();
    service.post(&sample::events("u", "e", 0..2)).await.expect(202);

    let told = eventually("the outage is told", SOON, || async {
        let page = look().await;
        let text = page.text();
        let is_told = text.contains("<strong>The database is away since <time");
        (page.status == 200 && is_told).then_some(text)
    })
    .await;
    assert_has(
        &told,
        &[
            "2 events are kept on disk, nothing is lost. New events are still taken",
            "Degraded</span>",
            "away since <time",
            // Who it is is not looked up, and what the browser said of itself stays.
            "not looked up while the database is away",
            "data-zone=\"Asia/Kolkata\"",
            "data-theme=\"dark\"",
        ],
    );
    assert_eq!(told.matches("The database is away since <time").count(), 1, "{told}");
    let since = service.get("/health").await.expect(503).json();
    let since = since["failingSince"].as_str().expect("a time").to_owned();
    assert_has(&told, &[&since[..17]]);
    let stranger = request(&service, SYSTEM, "trailkeep=bm9ib2R5LWtub3dzLXRoaXM");
    let answer = service.send_as_it_is(stranger).await;
    assert!(matches!(answer.status, 401 | 503), "{}", answer.status);
    assert!(!answer.text().contains("Degraded"), "{}", answer.text());

    server.resume();
    eventually("it is well again", SOON, || async {
        let page = look().await.text();
        (page.contains("Well</span>") && !page.contains("is away")).then_some(())
    })
    .await;
    let health = service.get("/health").await.expect(200).json();
    assert!(health["failingSince"].is_null(), "{health}");
}
