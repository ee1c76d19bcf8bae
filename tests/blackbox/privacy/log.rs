//! What the log tells of people: nothing.

use reqwest::Method;
use serde_json::json;

use super::erase::{erase, wait_until_done};
use super::marked::{self, MARKER, user};
use crate::dead_letters::rules::{Of, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(no_line_of_the_log_names_a_user_but_that_of_a_path_that_leads_nowhere);

/// Lines of the log with the marker.
fn lines(service: &Service) -> Vec<String> {
    service.log().lines().filter(|line| line.contains(MARKER)).map(str::to_owned).collect()
}

async fn no_line_of_the_log_names_a_user_but_that_of_a_path_that_leads_nowhere(home: Home) {
    let double = marked::processor().await;
    let settings = [
        ("LOG_LEVEL", "debug"),
        ("PROCESSOR_URL", double.url.as_str()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
    ];
    let service = Service::start_with(&home, &settings).await;
    refuse(&home, Of::Events).await;
    service.post(&marked::events()).await.expect(202);
    service.wait_until_flushed().await;
    eventually("an event is stuck at the processor", SOON, || async {
        let stuck = service.get("/processors/default/users").await.expect(200).text();
        stuck.contains(MARKER).then_some(())
    })
    .await;
    assert!(!service.dead_letters().await.is_empty());
    // What is right, what is wrong in what is asked, and what is wrong in what is sent.
    let path = |rest: &str| format!("/users/{}{rest}", user());
    service.get(&path("/journey")).await.expect(200);
    service.get(&path("/journey?limit=none")).await.expect(400);
    service.get(&path("/export")).await.expect(200);
    service.get(&format!("/search?q={MARKER}@example.com")).await.expect(200);
    service.post(&json!({ "userId": user(), MARKER: MARKER })).await.expect(400);
    let wrong = service.request(Method::DELETE, &path("")).json(&json!({ "confirm": MARKER }));
    service.send(wrong).await.expect(400);
    let asked = erase(&service, &user(), json!({})).await;
    wait_until_done(&service, &asked).await;

    assert!(service.log().contains("answered"), "nothing is logged at all");
    assert_eq!(lines(&service), Vec::<String>::new());

    service.get(&path("/nowhere")).await.expect(404);
    eventually("the log names what was asked for", SOON, || async {
        (!lines(&service).is_empty()).then_some(())
    })
    .await;
}
