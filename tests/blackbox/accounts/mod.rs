//! GET /accounts/{accountId}/summary and /events, and /accounts/sample.

mod events;
mod heavy;
mod parameters;
mod samples;
mod series;
mod summaries;

use serde_json::{Value, json};

use crate::service::Service;

/// An event of an account.
fn event(account: &str, user: &str, id: &str, occurred_at: &str) -> Value {
    json!({
        "accountId": account, "userId": user, "eventId": id, "type": "page_view",
        "occurredAt": occurred_at,
    })
}

async fn store(service: &Service, events: &Value) {
    service.post_to("/events?wait=stored", events).await.expect(200);
}
