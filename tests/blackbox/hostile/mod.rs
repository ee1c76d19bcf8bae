//! Bad input, made to hurt: it is refused, and the service serves on.

mod connections;
mod holders;
mod json;
mod memory;
mod values;

use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Nothing of what came before was kept, and the next event is.
async fn assert_unharmed(service: &Service) {
    assert_eq!(service.buffered().await, 0);
    service.post(&sample::event("next", "e")).await.expect(202);
    assert_eq!(service.journey_ids("next", "").await, ["e"]);
}

async fn start() -> (Home, Service) {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    (home, service)
}
