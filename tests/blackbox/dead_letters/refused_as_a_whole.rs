//! Databases that refuse a whole batch for one of its events.

use serde_json::{Value, json};

use super::rules::{event_ids, events};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

#[tokio::test]
async fn what_mongodb_refuses_as_a_whole_is_halved_until_the_culprits_stand_alone() {
    let server = Mongod::start_with(&["--setParameter", "maxBSONDepth=32"]);
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    let mut batch = sample::events("u", "e", 0..200);
    for culprit in [0, 77, 78] {
        // As deep as a payload may be, in an event.
        batch[culprit]["payload"] = (0..31).fold(json!({}), |inner, _| json!({ "a": inner }));
    }

    service.post(&batch).await.expect(202);
    service.wait_until_flushed().await;

    assert_set_aside(&service, &home, &["e-0", "e-77", "e-78"]).await;
}

#[tokio::test]
async fn what_sqlite_refuses_as_a_whole_is_halved_until_the_culprits_stand_alone() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    // Takes the whole transaction back.
    home.sqlite()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.type = 'purchase'
             BEGIN SELECT RAISE(ROLLBACK, 'not wanted here'); END",
        )
        .expect("a trigger");

    service.post(&events("u", 0..200, &[0, 77, 78])).await.expect(202);
    service.wait_until_flushed().await;

    assert_set_aside(&service, &home, &["e-0", "e-77", "e-78"]).await;
}

async fn assert_set_aside(service: &Service, home: &Home, refused: &[&str]) {
    let mut others = sample::ids("e", 0..200);
    others.retain(|id| !refused.contains(&id.as_str()));
    assert_eq!(service.export_ids("u").await, others);
    assert_eq!(home.stored().await, others.len() as u64);
    let letters: Vec<Value> = service.dead_letters().await;
    assert_eq!(event_ids(&letters), refused);
    let counted = &service.stats().await["events"];
    assert_eq!(counted["stored"], others.len());
    assert_eq!(counted["duplicate"], 0);
    assert_eq!(counted["deadLettered"], refused.len());
}
