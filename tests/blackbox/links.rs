//! Who is who: a visitor, a user, and somebody else on the same device.

use serde_json::{Value, json};

use crate::client::ids_of;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_users_journey_begins_before_they_signed_in,
    what_was_said_outlives_kill_9_before_it_was_stored,
    a_stranger_takes_nobodys_journey_by_naming_them,
    two_ids_that_name_each_other_are_linked_one_way_at_the_most,
    two_users_in_one_batch_share_a_device_in_the_order_in_which_they_came,
    an_event_that_is_sent_again_after_the_link_ended_changes_nothing,
    an_id_beside_itself_is_no_link,
    at_most_a_hundred_ids_make_a_journey,
);

/// So that nothing is stored before the test says so.
const UNSTORED: [(&str, &str); 2] = [("WRITE_MAX_WAIT_MS", "600000"), ("WRITE_MAX_EVENTS", "5000")];

/// One event, as the minute of a morning.
fn event(minute: u32, ids: Value) -> Value {
    let mut event = json!({
        "type": "page_view",
        "eventId": format!("e-{minute}"),
        "occurredAt": format!("2025-12-15T10:{minute:02}:00.000Z"),
    });
    let ids = ids.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(ids);
    event
}

fn both(user: &str, device: &str) -> Value {
    json!({"userId": user, "anonymousId": device})
}

fn visitor(device: &str) -> Value {
    json!({"anonymousId": device})
}

/// A visitor browses, signs in as Ann, goes on, signs out and browses; Bob signs in on the
/// same device, and out again.
fn morning() -> Vec<Value> {
    let who = [
        visitor("d-1"),
        visitor("d-1"),
        both("ann", "d-1"),
        both("ann", "d-1"),
        visitor("d-1"),
        both("bob", "d-1"),
        both("bob", "d-1"),
        visitor("d-1"),
    ];
    (0..).zip(who).map(|(minute, ids)| event(minute, ids)).collect()
}

async fn ids(service: &Service, user: &str, query: &str) -> Vec<String> {
    ids_of(&service.journey(user, &format!("?order=asc{query}")).await)
}

fn minutes(minutes: &[u32]) -> Vec<String> {
    minutes.iter().map(|minute| format!("e-{minute}")).collect()
}

/// What the morning comes to, for whoever asks.
async fn assert_morning(service: &Service, when: &str) {
    assert_eq!(ids(service, "ann", "").await, minutes(&[0, 1, 2, 3, 4]), "{when}");
    assert_eq!(ids(service, "ann", "&linked=false").await, minutes(&[2, 3]), "{when}");
    assert_eq!(ids(service, "bob", "").await, minutes(&[5, 6]), "{when}");
    assert_eq!(ids(service, "d-1", "").await, minutes(&[0, 1, 4, 7]), "{when}");
    let linked_to = |page: Value| page["linkedTo"].clone();
    assert_eq!(linked_to(service.journey("d-1", "").await), "ann", "{when}");
    assert_eq!(linked_to(service.journey("ann", "").await), json!(null), "{when}");
    let mut exported = service.export_ids("ann").await;
    exported.sort_unstable();
    assert_eq!(exported, minutes(&[0, 1, 2, 3, 4]), "{when}");
    let mut found = ids(service, "ann", "&limit=2").await;
    let mut page = service.journey("ann", "?order=asc&limit=2").await;
    while let Some(cursor) = page["nextCursor"].as_str() {
        page = service.journey("ann", &format!("?order=asc&limit=2&cursor={cursor}")).await;
        found.extend(ids_of(&page));
    }
    assert_eq!(found, minutes(&[0, 1, 2, 3, 4]), "{when}, by pages");
    let around = service.journey("ann", "?order=asc&limit=3&around=e-4").await;
    assert_eq!(ids_of(&around), minutes(&[3, 4]), "{when}, around an event of the device");
}

async fn a_users_journey_begins_before_they_signed_in(home: Home) {
    let service = Service::start_with(&home, &UNSTORED).await;
    let expected: [&[u32]; 8] = [
        &[],
        &[],
        &[0, 1, 2],
        &[0, 1, 2, 3],
        &[0, 1, 2, 3, 4],
        &[0, 1, 2, 3, 4],
        &[0, 1, 2, 3, 4],
        &[0, 1, 2, 3, 4],
    ];
    for (sent, expected) in morning().into_iter().zip(expected) {
        service.post(&sent).await.expect(202);
        assert_eq!(ids(&service, "ann", "").await, minutes(expected), "at once after {sent}");
    }
    assert_morning(&service, "before anything is stored").await;
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    assert_morning(&service, "stored by a stop").await;
    if home.mongodb_uri().is_some() {
        let second = Service::start(&home.on_another_machine()).await;
        assert_morning(&second, "on a second instance").await;
    }
    service.crash().await;
    let service = Service::start(&home).await;
    assert_morning(&service, "after kill -9").await;
}

async fn what_was_said_outlives_kill_9_before_it_was_stored(home: Home) {
    let service = Service::start_with(&home, &UNSTORED).await;
    let morning = morning();
    service.post(&json!(morning[..4])).await.expect(202);
    service.post(&json!(morning[4..])).await.expect(202);
    service.crash().await;
    let service = Service::start(&home).await;
    assert_morning(&service, "read back from the journal").await;
    service.wait_until_flushed().await;
    assert_morning(&service, "stored after that").await;
}

async fn a_stranger_takes_nobodys_journey_by_naming_them(home: Home) {
    let service = Service::start(&home).await;
    let identify = json!({"userId": "ann", "type": "identify", "payload": {"name": "Ann"}});
    service.post(&event(0, json!({"userId": "ann"}))).await.expect(202);
    // Nothing says so far that this id is a user's: a site that never does has no links to
    // be taken by, but for those that are made like this.
    service.post(&event(1, both("early", "ann"))).await.expect(202);
    assert_eq!(ids(&service, "early", "").await, minutes(&[0, 1]));
    service.post(&event(2, identify)).await.expect(202);
    service.post(&event(3, json!({"userId": "ann"}))).await.expect(202);
    service.post(&event(4, both("late", "ann"))).await.expect(202);
    for when in ["waiting", "stored"] {
        assert_eq!(ids(&service, "ann", "").await, minutes(&[0, 2, 3]), "{when}");
        assert_eq!(ids(&service, "early", "").await, minutes(&[0, 1]), "what came before: {when}");
        assert_eq!(ids(&service, "late", "").await, minutes(&[4]), "{when}");
        service.wait_until_flushed().await;
    }
}

async fn two_ids_that_name_each_other_are_linked_one_way_at_the_most(home: Home) {
    let service = Service::start(&home).await;
    service.post(&event(0, visitor("a"))).await.expect(202);
    service.post(&event(1, both("b", "a"))).await.expect(202);
    service.post(&event(2, both("a", "b"))).await.expect(202);
    service.post(&event(3, visitor("a"))).await.expect(202);
    for when in ["waiting", "stored"] {
        assert_eq!(ids(&service, "b", "").await, minutes(&[0, 1]), "{when}");
        assert_eq!(ids(&service, "a", "").await, minutes(&[0, 2, 3]), "{when}");
        service.wait_until_flushed().await;
    }
}

async fn two_users_in_one_batch_share_a_device_in_the_order_in_which_they_came(home: Home) {
    let service = Service::start(&home).await;
    let batch = |device: &str, first: &str, second: &str| {
        json!([
            event(0, visitor(device)),
            event(1, both(first, device)),
            event(2, both(second, device)),
            event(3, visitor(device)),
        ])
    };
    service.post(&batch("d-1", "ann", "bob")).await.expect(202);
    service.post(&batch("d-2", "bea", "abe")).await.expect(202);
    for when in ["waiting", "stored"] {
        for (first, second) in [("ann", "bob"), ("bea", "abe")] {
            assert_eq!(ids(&service, first, "").await, minutes(&[0, 1]), "{when}");
            assert_eq!(ids(&service, second, "").await, minutes(&[2]), "{when}");
        }
        service.wait_until_flushed().await;
    }
}

async fn an_event_that_is_sent_again_after_the_link_ended_changes_nothing(home: Home) {
    let service = Service::start(&home).await;
    let morning = morning();
    service.post(&json!(morning)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&json!(morning[2..4])).await.expect(202);
    service.post(&json!(morning[5..6])).await.expect(202);
    assert_morning(&service, "sent again").await;
    service.wait_until_flushed().await;
    assert_morning(&service, "found stored already").await;
}

async fn an_id_beside_itself_is_no_link(home: Home) {
    let service = Service::start(&home).await;
    service.post(&event(0, both("ann", "ann"))).await.expect(202);
    service.wait_until_flushed().await;
    let page = service.journey("ann", "").await;
    assert_eq!((page["count"].clone(), page["linkedTo"].clone()), (json!(1), json!(null)));
}

async fn at_most_a_hundred_ids_make_a_journey(home: Home) {
    let service = Service::start(&home).await;
    let of_device = |device: usize| {
        let id = format!("d-{device}");
        let name = |event: Value, suffix: &str| {
            let mut event = event;
            event["eventId"] = json!(format!("{id}-{suffix}"));
            event
        };
        [name(event(1, visitor(&id)), "before"), name(event(2, both("ann", &id)), "signed-in")]
    };
    let events: Vec<Value> = (0..110).flat_map(of_device).collect();
    service.post(&json!(events)).await.expect(202);
    service.wait_until_flushed().await;
    let page = service.journey("ann", "?limit=1000").await;
    // Ann's own, and those of the 99 devices that were linked last.
    assert_eq!(page["count"], 110 + 99);
    assert!(ids_of(&page).contains(&"d-109-before".to_owned()));
    assert!(!ids_of(&page).contains(&"d-10-before".to_owned()));
}

/// Each instance hears one half, in either order.
#[tokio::test]
async fn two_instances_come_to_the_same_whoever_stores_first() {
    for is_ann_first in [true, false] {
        let home = Home::mongodb();
        let first = Service::start_with(&home, &UNSTORED).await;
        let second = Service::start_with(&home.on_another_machine(), &UNSTORED).await;
        let morning = morning();
        first.post(&json!(morning[..5])).await.expect(202);
        second.post(&json!(morning[5..])).await.expect(202);
        let (sooner, later) = if is_ann_first { (first, second) } else { (second, first) };
        assert_eq!(sooner.terminate().await.code, Some(0));
        assert_eq!(later.terminate().await.code, Some(0));
        let service = Service::start(&home).await;
        eventually("both halves are there", SOON, || async {
            (ids(&service, "bob", "").await.len() == 2).then_some(())
        })
        .await;
        assert_morning(&service, "stored by two").await;
    }
}
