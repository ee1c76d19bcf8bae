//! What a request looks like.

use serde_json::json;

use super::double::{Asked, Double, taken};
use super::log::answers;
use super::start;
use super::stored::{Stored, ids_in};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
const UNKNOWN: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYY";

/// While a secret is replaced, who knows either of them takes the requests.
#[tokio::test]
async fn requests_are_signed_with_each_secret() {
    let home = Home::embedded();
    let secrets = format!("{OLD},{NEW}");
    let secrets = [("PROCESSORS_DEFAULT_SECRETS", &*secrets)];
    for (number, known) in [OLD, NEW].into_iter().enumerate() {
        let processor = ExampleProcessor::start(&["--secret", known]).await;
        let service = start(&home, processor.url(), &secrets).await;
        service.post(&sample::event("u", &format!("e-{number}"))).await.expect(202);
        Stored::of(&home).await.wait_for("default", number + 1).await;
        assert_eq!(answers(&processor.log(), 401), 0);
        assert_eq!(service.terminate().await.code, Some(0));
    }
    let outcomes = Stored::of(&home).await.outcomes("default").await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), ["e-0", "e-1"]);

    let processor = ExampleProcessor::start(&["--secret", UNKNOWN]).await;
    let service = start(&home, processor.url(), &secrets).await;
    service.post(&sample::event("u", "e-2")).await.expect(202);
    eventually("it is refused", SOON, || async {
        (answers(&processor.log(), 401) > 0).then_some(())
    })
    .await;
    assert_eq!(answers(&processor.log(), 200), 0);
}

async fn only_request(double: &Double) -> Asked {
    eventually("there is a request", SOON, || async { double.asked().pop() }).await
}

#[tokio::test]
async fn a_request_is_an_event_as_a_journey_shows_it() {
    let home = Home::embedded();
    let double = Double::start(|_| async { taken() }).await;
    let url = format!("{}/hooks/trail?tenant=a%20b", double.url);
    let headers = [("PROCESSORS_DEFAULT_HEADERS", "Authorization: Bearer 5b,X-Tenant: a")];
    let service = start(&home, &url, &headers).await;
    let event = json!({
        "eventId": "e-1", "userId": "ann", "anonymousId": "v", "type": "purchase",
        "sessionId": "s", "accountId": "a",
        "occurredAt": "2025-12-15T10:30:00.5+01:00", "payload": { "$id": 1, "a.b": [1.0, "ä", null] },
    });

    service.post(&event).await.expect(202);

    let asked = only_request(&double).await;
    assert_eq!(asked.body, service.journey("ann", "").await["events"][0]);
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("authorization"), "Bearer 5b");
    assert_eq!(asked.header("x-tenant"), "a");
    assert_eq!(asked.header("trailkeep-attempt"), "1");
    assert_eq!(asked.header("idempotency-key"), asked.header("webhook-id"));
    assert_eq!(asked.header("webhook-id").len(), 36, "a UUID, whatever the event's id is");
    assert!(asked.header("webhook-timestamp").parse::<i64>().expect("seconds") > 1_700_000_000);
    assert_eq!(asked.header("webhook-signature"), "");
    let agent = concat!("trailkeep/", env!("CARGO_PKG_VERSION"));
    assert_eq!(asked.header("user-agent"), agent);
    assert_eq!(asked.uri, "/hooks/trail?tenant=a%20b");
}

#[tokio::test]
async fn fields_have_the_names_that_the_settings_give() {
    let home = Home::embedded();
    let processor = ExampleProcessor::start(&["--user-field", "patientId"]).await;
    let double = Double::start(|_| async { taken() }).await;
    let url = format!("processors.patients.url={}", double.url);
    let flags = [
        "--set",
        &url,
        "--set",
        "processors.patients.user_field=patientId",
        "--set",
        "processors.patients.payload_field=data",
        "--set",
        "processors.patients.time_field=ts",
    ];
    let settings =
        [("PROCESSOR_URL", processor.url()), ("PROCESSORS_DEFAULT_USER_FIELD", "patientId")];
    let service = Service::start_with_flags(&home, &flags, &settings).await;
    let event = json!({
        "eventId": "e-1", "userId": "bob", "type": "form_submit",
        "occurredAt": "2025-12-15T10:30:00Z", "payload": { "ward": 7 },
    });

    service.post(&event).await.expect(202);

    let asked = only_request(&double).await;
    let received_at = asked.body["receivedAt"].clone();
    let expected = json!({
        "eventId": "e-1", "patientId": "bob", "type": "form_submit", "ts": "2025-12-15T10:30:00.000Z",
        "data": { "ward": 7 }, "receivedAt": received_at,
    });
    let mut body = asked.body;
    body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    assert_eq!(body, expected);
    let stored = Stored::of(&home).await;
    for name in ["default", "patients"] {
        let outcomes = stored.wait_for(name, 1).await;
        assert_eq!(ids_in(&outcomes, "bob", "processed"), ["e-1"]);
    }
    assert_eq!(processor.log()[0]["user"], "bob");
}
