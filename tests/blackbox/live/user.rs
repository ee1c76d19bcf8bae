//! The events of a user.

use std::time::Duration;

use serde_json::{Value, json};

use super::next_ids;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample::{event, events, ids};
use crate::service::Service;
use crate::sse::Sse;

on_both_stores!(
    an_event_is_on_its_users_stream_at_once_after_its_202,
    an_event_is_shown_as_the_journey_shows_it,
    events_of_linked_ids_are_shown_and_a_new_link_is_told,
    an_event_is_shown_once_however_often_it_is_sent,
    who_watches_is_in_the_audit_trail_once,
);

/// No more than this later: the store is asked every two seconds.
const AT_ONCE: Duration = Duration::from_millis(1500);

async fn an_event_is_on_its_users_stream_at_once_after_its_202(home: Home) {
    // Nothing is stored meanwhile.
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    let mut stream = service.watch("/users/ann/live").await;
    for number in 0..5 {
        let id = format!("e-{number}");
        service.post(&json!([event("ben", &id), event("ann", &id)])).await.expect(202);
        let told = stream.next_within(AT_ONCE).await.expect("it comes at once");
        assert_eq!((told.name.as_str(), told.event_id()), ("message", id.as_str()));
    }
    service.post(&events("ann", "f", 0..700)).await.expect(202);
    assert_eq!(next_ids(&mut stream, 700).await, ids("f", 0..700), "in order, none left out");
    assert_eq!(stream.next_within(AT_ONCE).await, None, "nothing of others");
}

async fn an_event_is_shown_as_the_journey_shows_it(home: Home) {
    let service = Service::start(&home).await;
    let mut stream = service.watch("/users/a%20n%2Fn/live").await;
    let sent = json!({
        "userId": "a n/n", "eventId": "é\u{2028}1", "type": "page_view", "sessionId": "s-1",
        "accountId": "acme", "occurredAt": "2025-12-15T10:30:00.123Z",
        "payload": {"text": "one\r\ntwo\n\ndata: three", "n": 1.5, "deep": {"list": [1, null]}},
    });
    service.post(&sent).await.expect(202);
    let told = stream.next().await;
    let waiting = service.journey("a%20n%2Fn", "").await["events"][0].clone();
    assert_eq!(told.data, waiting);
    service.wait_until_flushed().await;
    let stored = service.journey("a%20n%2Fn", "").await["events"][0].clone();
    assert_eq!(told.data, stored);
}

fn of_device(user: &str, device: &str, id: &str) -> Value {
    let mut event = event(user, id);
    event["anonymousId"] = device.into();
    event
}

/// What is told up to a gap, and the gap's reason.
async fn until_a_gap(stream: &mut Sse) -> (Vec<String>, String) {
    let mut ids = Vec::new();
    loop {
        let told = stream.next().await;
        match told.name.as_str() {
            "message" => ids.push(told.event_id().to_owned()),
            "gap" => return (ids, told.data["reason"].as_str().expect("a reason").to_owned()),
            name => panic!("a {name}"),
        }
    }
}

async fn events_of_linked_ids_are_shown_and_a_new_link_is_told(home: Home) {
    let service = Service::start(&home).await;
    service.post(&of_device("ann", "dev-1", "1")).await.expect(202);
    service.wait_until_flushed().await;
    let mut stream = service.watch("/users/ann/live").await;
    service.post(&event("dev-1", "2")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["2"], "linked before");

    service.post(&event("dev-2", "3")).await.expect(202);
    service.post(&of_device("ann", "dev-2", "4")).await.expect(202);
    let (shown, reason) = until_a_gap(&mut stream).await;
    assert_eq!((shown, reason.as_str()), (vec!["4".to_owned()], "linked"));
    let mut journey = service.journey_ids("ann", "").await;
    journey.sort_unstable();
    assert_eq!(journey, ["1", "2", "3", "4"], "the journey has what came before");
    service.post(&event("dev-2", "5")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["5"], "linked since");

    // Another user on the device: it is the first one's up to here.
    service.post(&of_device("ben", "dev-2", "6")).await.expect(202);
    let (shown, reason) = until_a_gap(&mut stream).await;
    assert_eq!((shown.len(), reason.as_str()), (0, "linked"));
    service.post(&json!([event("dev-2", "7"), event("ann", "8")])).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["8"], "linked no more");

    let (hello, _) = service.watch_since("/users/dev-1/live", None).await;
    assert_eq!(hello.data["linkedTo"], "ann");
}

async fn an_event_is_shown_once_however_often_it_is_sent(home: Home) {
    let service = Service::start(&home).await;
    let mut stream = service.watch("/users/ann/live").await;
    for _ in 0..3 {
        service.post(&event("ann", "1")).await.expect(202);
    }
    service.wait_until_flushed().await;
    service.post(&event("ann", "1")).await.expect(202);
    service.post(&event("ann", "2")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 2).await, ["1", "2"]);
    // The store is asked in that time, and has both.
    assert_eq!(stream.next_within(Duration::from_secs(5)).await, None);
}

#[tokio::test]
async fn what_another_instance_accepts_is_shown_once_it_is_stored() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let service = Service::start(&home).await;
    let other = Service::start(&elsewhere).await;
    // Known before the stream began.
    other.post(&events("ann", "old", 0..30)).await.expect(202);
    other.wait_until_flushed().await;

    let mut stream = service.watch("/users/ann/live").await;
    other.post(&events("ann", "new", 0..3)).await.expect(202);
    assert_eq!(next_ids(&mut stream, 3).await, ids("new", 0..3));
    // More than are asked for at first.
    other.post(&events("ann", "more", 0..40)).await.expect(202);
    assert_eq!(next_ids(&mut stream, 40).await, ids("more", 0..40));
    service.post(&event("ann", "here")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["here"]);
    assert_eq!(stream.next_within(Duration::from_secs(5)).await, None, "each once");

    // More than are ever asked for: what is not shown is a gap.
    for batch in 0..3 {
        let numbers = batch * 1000..(batch + 1) * 1000;
        other.post_when_there_is_room(&events("ann", "flood", numbers)).await;
    }
    let (mut shown, mut gaps) = (0, 0);
    loop {
        let told = stream.next().await;
        match told.name.as_str() {
            "message" => shown += 1,
            "gap" => gaps += 1,
            name => panic!("a {name}"),
        }
        if told.event_id() == "flood-2999" {
            break;
        }
    }
    assert!(shown == 3000 || gaps > 0, "{shown} shown, {gaps} gaps");
}

async fn who_watches_is_in_the_audit_trail_once(home: Home) {
    let service = Service::start(&home).await;
    let mut stream = service.watch("/users/ann/live").await;
    service.post(&event("ann", "1")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["1"]);
    let _all = service.watch("/live").await;
    let entries = eventually("both are in the trail", SOON, || async {
        let page = service.get("/api/audit?limit=100").await.expect(200).json();
        let entries = page["entries"].as_array().expect("entries").clone();
        let of = |action: &str| {
            entries.iter().filter(|entry| entry["action"] == action).cloned().collect::<Vec<_>>()
        };
        let (of_user, of_all) = (of("journey.watch"), of("live.watch"));
        (!of_user.is_empty() && !of_all.is_empty()).then_some((of_user, of_all))
    })
    .await;
    let (of_user, of_all) = entries;
    assert_eq!((of_user.len(), of_all.len()), (1, 1));
    assert_eq!(of_user[0]["subject"], "ann");
}
