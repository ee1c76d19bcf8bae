//! A journey is in order of `occurredAt`, then of arrival, and holds all that
//! was accepted.

use serde_json::json;

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    events_come_by_time_and_within_a_millisecond_by_arrival,
    accepted_events_are_visible_before_they_are_flushed,
    buffered_and_stored_events_are_one_journey,
    a_batch_without_times_keeps_its_order_across_flushes_and_a_restart,
    users_with_the_same_event_id_have_their_own,
);

const NOON: &str = "2025-12-15T12:00:00.000Z";
const LATER: &str = "2025-12-15T12:00:00.001Z";
const EARLIER: &str = "2025-12-15T11:59:59.999Z";

async fn events_come_by_time_and_within_a_millisecond_by_arrival(home: Home) {
    let service = Service::start(&home).await;
    let first = json!([
        sample::event_at("u", "noon-1", NOON),
        sample::event_at("u", "later-1", LATER),
        sample::event_at("u", "noon-2", NOON),
    ]);
    let second = json!([
        sample::event_at("u", "earlier", EARLIER),
        sample::event_at("u", "noon-0", NOON),
        sample::event_at("u", "later-0", LATER),
    ]);
    service.post(&first).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&second).await.expect(202);

    let mut expected = ["earlier", "noon-1", "noon-2", "noon-0", "later-1", "later-0"];
    for _ in ["buffered", "stored"] {
        let ascending = service.journey_ids("u", "?order=asc").await;
        assert_eq!(ascending, expected);
        expected.reverse();
        assert_eq!(service.journey_ids("u", "?order=desc").await, expected);
        assert_eq!(service.journey_ids("u", "").await, expected);
        expected.reverse();
        service.wait_until_flushed().await;
    }
}

async fn accepted_events_are_visible_before_they_are_flushed(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    for number in 0..20 {
        let id = format!("e-{number}");
        service.post(&sample::event("u", &id)).await.expect(202);
        let newest = service.journey_ids("u", "?limit=1").await;
        assert_eq!(newest, [id]);
    }
    assert_eq!(service.buffered().await, 20, "nothing is flushed yet");
    let ids = service.journey_ids("u", "?order=asc").await;
    assert_eq!(ids, sample::ids("e", 0..20));
}

async fn buffered_and_stored_events_are_one_journey(home: Home) {
    let settings = [("WRITE_MAX_WAIT_MS", "60000"), ("WRITE_MAX_EVENTS", "10")];
    let service = Service::start_with(&home, &settings).await;
    let mut expected = Vec::new();
    for round in 0..7 {
        let numbers = round * 7..(round + 1) * 7;
        let events = sample::events("u", "e", numbers.clone());
        service.post(&events).await.expect(202);
        expected.extend(sample::ids("e", numbers));
        assert_eq!(service.journey_ids("u", "?order=asc").await, expected);
    }
}

async fn a_batch_without_times_keeps_its_order_across_flushes_and_a_restart(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_EVENTS", "40")]).await;
    let sent = service.post(&sample::events("u", "e", 0..100)).await.expect(202).event_ids();
    assert_eq!(service.journey_ids("u", "?order=asc").await, sent);
    service.wait_until_flushed().await;
    assert_eq!(service.journey_ids("u", "?order=asc").await, sent);
    assert_eq!(service.terminate().await.code, Some(0));

    let service = Service::start(&home).await;
    assert_eq!(service.journey_ids("u", "?order=asc").await, sent);
    service.post(&sample::event("u", "last")).await.expect(202);
    assert_eq!(service.journey_ids("u", "?limit=1").await, ["last"]);
}

async fn users_with_the_same_event_id_have_their_own(home: Home) {
    let service = Service::start(&home).await;
    let events = json!([sample::event("one", "evt_001"), sample::event("two", "evt_001")]);
    service.post(&events).await.expect(202);
    service.wait_until_flushed().await;

    for user in ["one", "two"] {
        let page = service.journey(user, "").await;
        assert_eq!(page["count"], 1);
        assert_eq!(page["events"][0]["eventId"], "evt_001");
        assert_eq!(page["events"][0]["userId"], user);
    }
    assert_eq!(home.stored().await, 2);
}
