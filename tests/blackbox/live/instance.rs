//! All events of an instance.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::home::Home;
use crate::sample::{event, events};
use crate::service::Service;

on_both_stores!(
    all_events_of_the_instance_are_shown_and_it_says_so,
    of_more_than_50_a_second_the_rest_is_counted,
);

async fn all_events_of_the_instance_are_shown_and_it_says_so(home: Home) {
    let service = Service::start(&home).await;
    let (hello, mut stream) = service.watch_since("/live", None).await;
    assert_eq!(hello.data["scope"], "instance");
    assert_eq!(stream.comments, 1, "a person who reads it is told, too");
    for user in ["ann", "ben"] {
        service.post(&event(user, "1")).await.expect(202);
        let told = stream.next().await;
        assert_eq!(told.data, service.journey(user, "").await["events"][0]);
    }
}

async fn of_more_than_50_a_second_the_rest_is_counted(home: Home) {
    let service = Service::start(&home).await;
    let mut stream = service.watch("/live").await;
    let began = Instant::now();
    for batch in 0..4 {
        service.post(&events("ann", &format!("b{batch}"), 0..500)).await.expect(202);
    }
    let (mut shown, mut skipped) = (0, 0);
    while shown + skipped < 2000 {
        let told = stream.next().await;
        match told.name.as_str() {
            "message" => shown += 1,
            "skipped" => skipped += told.data["count"].as_u64().expect("a count"),
            name => panic!("a {name}: {told:?}"),
        }
    }
    assert_eq!(shown + skipped, 2000, "each is shown or counted");
    let seconds = began.elapsed().as_secs() + 1;
    assert!((50..=50 * seconds).contains(&shown), "{shown} in {seconds} s");
    assert_eq!(stream.next_within(Duration::from_millis(1500)).await, None);
    service.post(&json!([event("ann", "last")])).await.expect(202);
    assert_eq!(stream.next().await.event_id(), "last", "then it goes on");
}
