//! What SDKs track arrives, whatever becomes of the service meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use trailkeep_testkit::eventually::{SOON, eventually};
use trailkeep_testkit::home::Home;
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::service::Service;

use crate::sdk::{self, Running, Sdk};

/// Events of each SDK, besides those that say who it is.
const COUNT: usize = 1000;

const KEY: &str = "wk-9f8e7d6c5b4a3210";

/// How long the database takes nothing: the backlog is full for five seconds of it.
const AWAY_FOR: Duration = Duration::from_secs(8);

#[tokio::test]
async fn what_sdks_track_is_in_the_journeys_once_after_a_crash_and_five_seconds_of_503() {
    if !sdk::can_be_run() {
        return;
    }
    let database = Mongod::start();
    let home = Home::on(&database);
    let port = free_port().unwrap().to_string();
    let keys = format!("shop:{KEY}");
    let settings = [
        ("PORT", &*port),
        ("ACCESS_WRITE_KEYS", &*keys),
        // Full within three seconds once the database takes nothing.
        ("BACKLOG_MAX_EVENTS", "1000"),
        ("WRITE_TIMEOUT_MS", "1000"),
        ("WRITE_BACKOFF_MAX_MS", "500"),
    ];
    let service = Service::start_with(&home, &settings).await;
    let host = service.url("");
    let running: Vec<(Sdk, Running)> =
        sdk::ALL.into_iter().map(|sdk| (sdk, sdk.track(&host, KEY, COUNT))).collect();

    wait_until_stored(&home, 500).await;
    service.crash().await;
    let service = Service::start_with(&home, &settings).await;
    wait_until_stored(&home, 1500).await;
    database.pause();
    tokio::time::sleep(AWAY_FOR).await;
    database.resume();

    for (sdk, running) in running {
        assert_eq!(running.errors().await, Vec::<String>::new(), "{sdk:?} told of errors");
        assert_all_there(&service, sdk).await;
    }
    let refused = service.stats().await["refused"]["bufferFull"].as_u64();
    assert!(refused > Some(0), "the service refused nothing meanwhile: {refused:?}");
}

async fn wait_until_stored(home: &Home, count: u64) {
    eventually("events are stored", SOON * 3, || async {
        (home.stored().await >= count).then_some(())
    })
    .await;
}

/// The whole journey, of both ids.
async fn assert_all_there(service: &Service, sdk: Sdk) {
    let user = sdk.user();
    service.wait_until_flushed().await;
    let events = journey(service, &user).await;
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();

    let orders = of("Order Placed");
    // Not in their order: PostHog's SDK for Node sends a batch again with the time at which it
    // was first sent, which moves its events by the pause between.
    let mut numbers: Vec<u64> =
        orders.iter().filter_map(|event| event["payload"]["n"].as_u64()).collect();
    numbers.sort_unstable();
    let is_there = |number: &u64| numbers.binary_search(number).is_ok();
    let lost: Vec<u64> = (0..COUNT as u64).filter(|number| !is_there(number)).collect();
    assert_eq!((numbers.len(), lost), (COUNT, Vec::new()), "{sdk:?}");
    for order in &orders {
        assert_eq!((&order["userId"], &order["payload"]["total"]), (&json!(user), &json!(12.5)));
    }
    assert_eq!(of("Viewed").len(), 1, "{sdk:?}: {events:?}");
    assert_eq!(of("Viewed")[0]["userId"], json!(format!("{user}-visitor")));
    assert_eq!(of("alias").len(), 1, "{sdk:?}");
    let email = json!(format!("{user}@example.com"));
    assert_eq!(of("identify")[0]["payload"]["traits"]["email"], email, "{sdk:?}");
    if sdk.is_segment() {
        assert_eq!(of("group")[0]["accountId"], "acme", "{sdk:?}");
    }
}

/// All pages of it, oldest first.
async fn journey(service: &Service, user: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut query = "?order=asc&limit=500".to_owned();
    loop {
        let page = service.journey(user, &query).await;
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => query = format!("?order=asc&limit=500&cursor={cursor}"),
            None => return events,
        }
    }
}
