//! Starts that cannot be: they end at once and say why.

use std::net::TcpListener;

use crate::home::Home;
use crate::sample;
use crate::service::{Ended, Service};

#[track_caller]
fn assert_refused(ended: &Ended, words: &[&str]) {
    assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
    for word in words {
        assert!(ended.log.contains(word), "no {word:?} in: {}", ended.log);
    }
    assert!(!ended.log.contains("panicked"), "{}", ended.log);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_folder_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;

    let ended = Service::refuses_to_start(&home, &[]).await;

    let folder = home.folder().display().to_string();
    assert_refused(&ended, &[folder.as_str()]);
    service.post(&sample::event("u", "e")).await.expect(202);
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    assert_eq!(service.journey_ids("u", "").await, ["e"]);
}

#[tokio::test]
async fn a_folder_whose_process_was_killed_is_free_again() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::event("u", "e")).await.expect(202);
    service.wait_until_flushed().await;
    service.signal("KILL");
    service.wait(crate::eventually::SOON).await;

    let service = Service::start(&home).await;
    assert_eq!(service.journey_ids("u", "").await, ["e"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let home = Home::embedded();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = Service::refuses_to_start(&home, &[("PORT", &port)]).await;
    assert_refused(&ended, &[port.as_str()]);
}

#[tokio::test]
async fn a_wrong_setting_is_named_with_its_value() {
    let home = Home::embedded();
    for (name, value) in [
        ("PORT", "70000"),
        ("WRITE_MAX_WAIT_MS", "soon"),
        ("LOG_FORMAT", "xml"),
        ("MONGODB_URI", "postgres://elsewhere"),
    ] {
        let ended = Service::refuses_to_start(&home, &[(name, value)]).await;
        assert_refused(&ended, &[name]);
        if name != "MONGODB_URI" {
            assert_refused(&ended, &[value]);
        }
    }
}
