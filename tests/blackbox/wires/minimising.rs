//! What is kept of people, on every wire.

use serde_json::json;

use super::{FIREFOX, journey, post, request};
use crate::home::Home;
use crate::service::Service;

#[tokio::test]
async fn keys_are_dropped_and_hashed_on_every_wire() {
    let home = Home::embedded();
    let settings = [("EVENTS_DROP_KEYS", "phone"), ("EVENTS_HASH_KEYS", "email")];
    let service = Service::start_with(&home, &settings).await;
    let data = json!({"phone": "1", "inner": {"phone": "2"}, "email": "abc"});
    let native = json!({"userId": "ann", "type": "e", "payload": data});
    service.post(&native).await.expect(202);
    let call = json!({"event": "e", "userId": "ann", "properties": data});
    post(&service, "/v1/track", call.to_string()).await.expect(200);
    let event = json!({"event": "e", "distinct_id": "ann", "properties": data});
    post(&service, "/e", event.to_string()).await.expect(200);

    let events = journey(&service, "ann").await;
    assert_eq!(events.len(), 3);
    for event in events {
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(event["payload"], json!({"inner": {}, "email": hash}));
    }
}

#[tokio::test]
async fn the_user_agent_and_the_address_are_kept_where_that_is_asked_for() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("EVENTS_KEEP", "user_agent,address")]).await;
    let native = json!({"userId": "ann", "type": "e"}).to_string();
    let sent = request(&service, "/events", native)
        .header("content-type", "application/json")
        .header("user-agent", FIREFOX);
    service.send_as_it_is(sent).await.expect(202);
    let call = json!({"event": "e", "userId": "ann",
        "context": {"userAgent": FIREFOX, "ip": "192.0.2.7"}});
    post(&service, "/v1/track", call.to_string()).await.expect(200);

    let events = journey(&service, "ann").await;
    let kept = |at: usize, key: &str| events[at]["payload"][key].clone();
    assert_eq!((kept(0, "$userAgent"), kept(0, "$address")), (json!(FIREFOX), json!("127.0.0.1")));
    assert_eq!((kept(1, "$userAgent"), kept(1, "$address")), (json!(FIREFOX), json!("192.0.2.7")));
}
