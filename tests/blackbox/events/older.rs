//! What clients of older systems send is taken as it is, without a setting.

use serde_json::{Value, json};

use crate::home::Home;
use crate::service::Service;

/// The only event in a user's journey, without what the service adds.
async fn kept(service: &Service, user: &str) -> Value {
    let page = service.journey(user, "").await;
    assert_eq!(page["count"], 1, "{page}");
    let mut event = page["events"][0].clone();
    for added in ["eventId", "receivedAt"] {
        assert!(event[added].is_string(), "{event}");
        event.as_object_mut().expect("an object").remove(added);
    }
    event
}

#[tokio::test]
async fn complaints_of_patients() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let sent = json!({
        "type": "GRIEVANCE", "patient_id": "p-17", "metadata": { "category": "billing" },
        "timestamp": "2025-12-15T10:30:00Z",
    });
    service.post(&sent).await.expect(202);
    assert_eq!(
        kept(&service, "p-17").await,
        json!({
            "type": "GRIEVANCE", "userId": "p-17", "payload": { "category": "billing" },
            "occurredAt": "2025-12-15T10:30:00.000Z",
        })
    );
}

#[tokio::test]
async fn messages_of_accounts() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let sent = json!({
        "event": "message_sent", "account_id": "acc_1", "user_id": "user_1",
        "metadata": { "channel": "whatsapp" }, "timestamp": "2025-12-15T10:30:00Z",
    });
    service.post(&sent).await.expect(202);
    assert_eq!(
        kept(&service, "user_1").await,
        json!({
            "type": "message_sent", "userId": "user_1", "accountId": "acc_1",
            "payload": { "channel": "whatsapp" }, "occurredAt": "2025-12-15T10:30:00.000Z",
        })
    );
}

#[tokio::test]
async fn measurements_of_patients() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let sent = json!({
        "patientId": "patient-1", "type": "vitals", "data": { "heartRate": 72 },
        "ts": 1_765_794_600_000_i64,
    });
    service.post(&sent).await.expect(202);
    assert_eq!(
        kept(&service, "patient-1").await,
        json!({
            "type": "vitals", "userId": "patient-1", "payload": { "heartRate": 72 },
            "occurredAt": "2025-12-15T10:30:00.000Z",
        })
    );
}
