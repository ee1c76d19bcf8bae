//! `trailkeep example-processor`: what it answers, what it remembers, and what it
//! writes down.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::eventually::{SOON, eventually};
use crate::processor::ExampleProcessor;
use crate::service::http_client;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn say(processor: &ExampleProcessor, line: &str) {
    eventually(line, SOON, || {
        std::future::ready(processor.said().lines().any(|said| said == line).then_some(()))
    })
    .await;
}

fn request(processor: &ExampleProcessor, id: &str, body: &Value) -> reqwest::RequestBuilder {
    http_client(0)
        .post(format!("{}/events", processor.url()))
        .header("webhook-id", id)
        .header("trailkeep-attempt", "1")
        .body(body.to_string())
}

async fn send(processor: &ExampleProcessor, id: &str, body: &Value) -> (u16, Value) {
    answer(request(processor, id, body)).await
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn event(id: &str) -> Value {
    json!({ "eventId": id, "userId": "ann", "type": "page_view", "payload": {} })
}

fn success() -> (u16, Value) {
    (200, json!({ "status": "success", "message": "Event processed successfully" }))
}

fn field(lines: &[Value], name: &str) -> Vec<Value> {
    lines.iter().map(|line| line[name].clone()).collect()
}

#[tokio::test]
async fn it_answers_as_processors_do_and_says_what_it_did() {
    let processor = ExampleProcessor::start(&[]).await;
    let health = answer(http_client(0).get(format!("{}/health", processor.url()))).await;
    assert_eq!(health, (200, json!({ "status": "ok", "service": "processor-service" })));

    assert_eq!(send(&processor, "id-1", &event("e1")).await, success());
    let log = processor.log();
    assert_eq!(field(&log, "what"), ["request", "answer"]);
    assert_eq!(field(&log, "status"), [Value::Null, 200.into()]);
    assert_eq!(field(&log, "isRepeated"), [Value::Null, false.into()]);
    for line in &log {
        assert!(line["at"].as_i64().unwrap() > 1_700_000_000_000);
        let told = [&line["webhookId"], &line["attempt"], &line["user"], &line["eventId"]];
        assert_eq!(told, [&json!("id-1"), &json!(1), &json!("ann"), &json!("e1")]);
        assert_eq!(line["type"], "page_view");
    }
    let line = eventually("it says what it did", SOON, || {
        let said = processor.said();
        std::future::ready(
            said.lines().find(|line| line.starts_with("processed")).map(str::to_owned),
        )
    })
    .await;
    assert!(line.starts_with("processed e1 of user ann (page_view) in "), "{line}");
}

#[tokio::test]
async fn an_event_that_was_processed_is_not_processed_again() {
    let processor = ExampleProcessor::start(&["--delay-ms", "100..200"]).await;
    for _ in 0..3 {
        assert_eq!(send(&processor, "id-1", &event("e1")).await, success());
    }
    // Another run has another id.
    assert_eq!(send(&processor, "id-1.2", &event("e1")).await, success());
    let answers: Vec<Value> =
        processor.log().into_iter().filter(|line| line["what"] == "answer").collect();
    assert_eq!(field(&answers, "isRepeated"), [false, true, true, false]);
    say(&processor, "answered e1 of user ann (page_view) again: it was processed before").await;
}

/// A sender that gives up and tries again finds the first attempt at work.
#[tokio::test]
async fn an_event_that_is_being_processed_is_waited_for() {
    let processor = ExampleProcessor::start(&["--delay-ms", "1000"]).await;
    let first =
        request(&processor, "id-1", &event("e1")).timeout(Duration::from_millis(300)).send();
    assert!(first.await.expect_err("a timeout").is_timeout());
    assert_eq!(send(&processor, "id-1", &event("e1")).await, success());
    let log = eventually("both are answered", SOON, || {
        let log = processor.log();
        std::future::ready((log.len() == 4).then_some(log))
    })
    .await;
    let mut repeated = field(&log, "isRepeated");
    repeated.sort_by_key(|value| value.as_bool());
    assert_eq!(repeated, [Value::Null, Value::Null, false.into(), true.into()]);
}

#[tokio::test]
async fn a_failure_by_chance_is_not_remembered() {
    let processor = ExampleProcessor::start(&["--fail", "100%"]).await;
    for _ in 0..2 {
        let (status, body) = send(&processor, "id-1", &event("e1")).await;
        assert_eq!((status, &body["status"]), (500, &json!("error")));
    }
    assert_eq!(field(&processor.log(), "isRepeated")[3], false);

    let processor = ExampleProcessor::start(&["--fail", "50%", "--quiet"]).await;
    let mut failures = 0;
    for id in 0..200 {
        while send(&processor, &id.to_string(), &event("e1")).await.0 == 500 {
            failures += 1;
        }
    }
    // The chance that so many or so few come of it is less than 1 in a million.
    assert!((80..400).contains(&failures), "{failures}");
    assert_eq!(processor.said().lines().count(), 1);
}

#[tokio::test]
async fn poison_is_refused_for_good_and_all_else_is_taken() {
    let processor = ExampleProcessor::start(&["--poison-type", "page_view"]).await;
    let (status, body) = send(&processor, "id-1", &event("e1")).await;
    assert_eq!(status, 422);
    assert_eq!(body["message"], "events of type page_view are poison here");
    let other = json!({ "eventId": "e2", "userId": "ann", "type": "search" });
    assert_eq!(send(&processor, "id-2", &other).await, success());
    assert_eq!(send(&processor, "id-3", &json!([1])).await.0, 400);
    say(&processor, "refused e1 of user ann (page_view): its type is poison").await;
}

#[tokio::test]
async fn the_user_may_be_in_a_field_of_another_name() {
    let processor = ExampleProcessor::start(&["--user-field", "patientId"]).await;
    let patient = json!({ "eventId": "e1", "patientId": "bob", "type": "visit", "data": {} });
    assert_eq!(send(&processor, "id-1", &patient).await, success());
    assert_eq!(processor.log()[0]["user"], "bob");
}

fn signature(secret: &str, id: &str, timestamp: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut hash = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    hash.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(hash.finalize().into_bytes()))
}

#[tokio::test]
async fn with_a_secret_only_what_is_signed_with_it_is_taken() {
    let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    let processor = ExampleProcessor::start(&["--secret", other, "--secret", SECRET]).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    let (body, tampered) = (event("e1"), event("e2"));
    let signed = |secret: &str, time: i64, body: &Value| {
        let signature = signature(secret, "id-1", time, &event("e1").to_string());
        let request = request(&processor, "id-1", body);
        answer(request.header("webhook-timestamp", time).header("webhook-signature", signature))
    };
    let unknown = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYY";
    assert_eq!(send(&processor, "id-1", &body).await.0, 401);
    assert_eq!(signed(unknown, now, &body).await.0, 401);
    assert_eq!(signed(SECRET, now, &tampered).await.0, 401);
    assert_eq!(signed(SECRET, now - 400, &body).await.0, 401);
    assert_eq!(signed(SECRET, now + 400, &body).await.0, 401);
    assert!(processor.log().iter().all(|line| line["status"] != 200));
    assert_eq!(signed(SECRET, now, &body).await, success());
    assert_eq!(signed(other, now, &body).await, success());
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way() {
    for name in ["TERM", "INT"] {
        let mut processor = ExampleProcessor::start(&["--delay-ms", "1000"]).await;
        let (id, body) = ("id-1", event("e1"));
        let answering = send(&processor, id, &body);
        let stopping = async {
            eventually("it is asked", SOON, || {
                std::future::ready((!processor.log().is_empty()).then_some(()))
            })
            .await;
            processor.signal(name);
        };
        let (answered, ()) = tokio::join!(answering, stopping);
        assert_eq!(answered, success());
        assert_eq!(processor.end().await, Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut processor = ExampleProcessor::start(&["--delay-ms", "600000"]).await;
    let (id, body) = ("id-1", event("e1"));
    let request = tokio::spawn(request(&processor, id, &body).send());
    eventually("it is asked", SOON, || {
        std::future::ready((!processor.log().is_empty()).then_some(()))
    })
    .await;
    // What follows too soon counts as the same signal once more.
    let status = eventually("it ends", SOON, || {
        processor.signal("TERM");
        std::future::ready(processor.ended())
    })
    .await;
    assert_eq!(status.code(), Some(1));
    assert!(request.await.unwrap().is_err());
    assert_eq!(processor.end().await, Some(1));
}
