//! Streams that go on where another one broke.

use super::next_ids;
use crate::home::Home;
use crate::sample::{event, events, ids};
use crate::service::Service;

on_both_stores!(
    who_comes_back_is_shown_what_came_in_between,
    who_comes_back_too_late_is_told_of_a_gap,
    an_id_that_was_never_given_is_a_gap_and_no_error,
    after_a_restart_there_is_a_gap,
);

async fn who_comes_back_is_shown_what_came_in_between(home: Home) {
    let service = Service::start(&home).await;
    for path in ["/users/ann/live", "/live"] {
        let mut stream = service.watch(path).await;
        service.post(&events("ann", path, 0..10)).await.expect(202);
        assert_eq!(next_ids(&mut stream, 4).await, ids(path, 0..4));
        let last = stream.last_id.clone();
        drop(stream);
        service.wait_until_flushed().await;
        service.post(&events("ann", path, 10..20)).await.expect(202);
        let (_, mut stream) = service.watch_since(path, Some(&last)).await;
        assert_eq!(next_ids(&mut stream, 16).await, ids(path, 4..20), "{path}");
    }
}

async fn who_comes_back_too_late_is_told_of_a_gap(home: Home) {
    let service = Service::start(&home).await;
    for path in ["/users/ann/live", "/live"] {
        let stream = service.watch(path).await;
        let last = stream.last_id.clone();
        for batch in 0..11 {
            let ids = format!("{path}-{batch}");
            service.post_when_there_is_room(&events("ben", &ids, 0..1000)).await;
        }
        let (_, mut resumed) = service.watch_since(path, Some(&last)).await;
        let gap = resumed.next().await;
        assert_eq!((gap.name.as_str(), &gap.data["reason"]), ("gap", &"behind".into()));
        service.wait_until_flushed().await;
        service.post(&event("ann", &format!("{path}-last"))).await.expect(202);
        assert_eq!(next_ids(&mut resumed, 1).await, [format!("{path}-last")], "then it goes on");
    }
}

async fn an_id_that_was_never_given_is_a_gap_and_no_error(home: Home) {
    let service = Service::start(&home).await;
    let (hello, _stream) = service.watch_since("/live", None).await;
    let (process, rest) = hello.id.split_once('-').expect("an id");
    let of_the_future = format!("{process}-fffffffffffffff0-1");
    let of_another = format!("0123456789abcdef-{rest}");
    let long = "1".repeat(10_000);
    let never = ["", "-", "7", "\"; drop table", &of_the_future, &of_another, &long];
    for path in ["/users/ann/live", "/live"] {
        for (number, id) in never.iter().enumerate() {
            let (_, mut stream) = service.watch_since(path, Some(id)).await;
            let gap = stream.next().await;
            assert_eq!(gap.name, "gap", "{id}");
            let last = format!("{path}-{number}");
            service.post(&event("ann", &last)).await.expect(202);
            assert_eq!(next_ids(&mut stream, 1).await, [last], "then it goes on");
        }
    }
}

async fn after_a_restart_there_is_a_gap(home: Home) {
    let service = Service::start(&home).await;
    let mut stream = service.watch("/users/ann/live").await;
    service.post(&event("ann", "1")).await.expect(202);
    assert_eq!(next_ids(&mut stream, 1).await, ["1"]);
    let last = stream.last_id.clone();
    drop(stream);
    service.crash().await;
    let service = Service::start(&home).await;
    let (_, mut stream) = service.watch_since("/users/ann/live", Some(&last)).await;
    let gap = stream.next().await;
    assert_eq!((gap.name.as_str(), &gap.data["reason"]), ("gap", &"unknown-id".into()));
    assert_eq!(service.journey_ids("ann", "").await, ["1"]);
}
