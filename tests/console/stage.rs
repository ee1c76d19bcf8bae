//! The service that tests share which leave it as it is.

use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use trailkeep_testkit::eventually::{SOON, eventually};
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;

use crate::story;

/// A service with people in it, and one that nobody has set up.
pub struct Stage {
    /// Where their data is.
    _homes: [Home; 2],
    pub service: Service,
    pub fresh: Service,
}

/// The one stage; its watchdogs end it with the tests.
pub async fn stage() -> &'static Stage {
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    STAGE
        .get_or_init(|| async {
            let homes = [Home::embedded(), Home::embedded()];
            let service = Service::start(&homes[0]).await;
            store(&service, &story::events(Utc::now())).await;
            erase(&service, "u_gone").await;
            let fresh = Service::start_unready(&homes[1], &[]).await;
            fresh.wait_until_ready().await;
            Stage { _homes: homes, service, fresh }
        })
        .await
}

/// Has somebody come, and be erased.
async fn erase(service: &Service, user: &str) {
    store(service, &[json!({ "userId": user, "type": "page_view" })]).await;
    let request = service.request(Method::DELETE, &format!("/users/{user}"));
    let asked = service.send(request.json(&json!({ "confirm": user }))).await.expect(202).json();
    let receipt = format!("/api/erasures/{}", asked["erasureId"].as_str().expect("an id"));
    eventually("the user is erased", SOON, || async {
        (service.get(&receipt).await.expect(200).json()["state"] == "done").then_some(())
    })
    .await;
}

/// Stores events, and what they say of people.
pub async fn store(service: &Service, events: &[Value]) {
    for some in events.chunks(100) {
        service.post_to("/events?wait=stored", &Value::from(some)).await.expect(200);
    }
    service.wait_until_flushed().await;
}
