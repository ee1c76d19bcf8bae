//! What will not fit is refused before it is parsed, and the log says how much of
//! that there is.

use reqwest::Body;
use serde_json::Value;

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Room for 100 events, which are written only when somebody waits for it.
const SMALL: [(&str, &str); 4] = [
    ("BUFFER_MAX_EVENTS", "100"),
    ("EVENTS_MAX_PER_REQUEST", "100"),
    ("FLUSH_MAX_EVENTS", "100"),
    ("FLUSH_MAX_WAIT_MS", "60000"),
];

/// Posts a body that is no JSON: read, it is answered 400.
async fn post_broken(service: &Service, length: usize) -> Answer {
    service
        .post_as("application/json", "[".repeat(length))
        .await
}

async fn post_of_unknown_length(service: &Service, body: String) -> Answer {
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
    service
        .post_as("application/json", Body::wrap_stream(pieces))
        .await
}

/// Has all that waits written.
async fn make_room(service: &Service) {
    let path = "/events?wait=stored";
    let event = sample::event("waits", "until stored");
    service.post_to(path, &event).await.expect(200);
}

#[tokio::test]
async fn a_body_as_long_as_one_that_found_no_room_is_not_parsed_until_there_is_room() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &SMALL).await;
    service
        .post(&sample::events("u", "a", 0..90))
        .await
        .expect(202);
    let large = sample::events("u", "b", 0..20);
    let length = large.to_string().len();
    post_broken(&service, length).await.problem(400);

    service.post(&large).await.problem(503);

    post_broken(&service, length).await.problem(503);
    post_broken(&service, length + 1).await.problem(503);
    post_of_unknown_length(&service, "[".repeat(length))
        .await
        .problem(503);
    post_broken(&service, length - 1).await.problem(400);
    post_of_unknown_length(&service, "[".to_owned())
        .await
        .problem(400);
    post_of_unknown_length(&service, sample::event("u", "short").to_string())
        .await
        .expect(202);
    service
        .post(&sample::events("u", "c", 0..5))
        .await
        .expect(202);

    make_room(&service).await;
    post_broken(&service, length).await.problem(400);
    post_of_unknown_length(&service, "[".to_owned())
        .await
        .problem(400);
    service.post(&large).await.expect(202);
    assert_eq!(service.buffered().await, 20);
}

/// The lines of the log that say that.
fn lines_with(service: &Service, message: &str) -> Vec<Value> {
    let log = service.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["message"] == message)
        .collect()
}

#[tokio::test]
async fn the_log_says_that_requests_are_refused_and_not_each_of_them() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &SMALL).await;
    for number in 0..101 {
        let answer = service.post(&sample::event("u", &number.to_string())).await;
        if number == 100 {
            answer.problem(503);
        }
    }
    let told = eventually("the log tells of the refusal", SOON, || async {
        lines_with(&service, "requests with events are refused").pop()
    })
    .await;
    assert_eq!(told["level"], "WARN");
    assert_eq!(told["reason"], "bufferFull");
    assert_eq!(told["refused"], 1);

    service.get("/nothing").await.problem(404);
    let statuses: Vec<Value> = eventually("what comes after is logged", SOON, || async {
        let lines = lines_with(&service, "answered");
        let statuses: Vec<Value> = lines.iter().map(|line| line["status"].clone()).collect();
        statuses.contains(&404.into()).then_some(statuses)
    })
    .await;
    assert!(!statuses.contains(&503.into()), "{statuses:?}");
}
