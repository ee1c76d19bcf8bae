//! The service that tests share which leave it as it is.

use chrono::Utc;
use serde_json::Value;
use tokio::sync::OnceCell;
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
            let fresh = Service::start_unready(&homes[1], &[]).await;
            fresh.wait_until_ready().await;
            Stage { _homes: homes, service, fresh }
        })
        .await
}

/// Stores events, and what they say of people.
pub async fn store(service: &Service, events: &[Value]) {
    for some in events.chunks(100) {
        service.post_to("/events?wait=stored", &Value::from(some)).await.expect(200);
    }
    service.wait_until_flushed().await;
}
