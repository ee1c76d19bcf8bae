//! How long events are kept, by their type: what has had its time goes, with what belongs to
//! it, and nothing else does.

use std::collections::BTreeSet;

use bson::{Document, doc};
use mongodb::Client;
use serde_json::{Value, json};

use crate::eventually::eventually;
use crate::home::Home;
use crate::mongod::Mongod;
use crate::processing::double::{Double, taken};
use crate::processing::stored::{A_WHILE, Stored};
use crate::service::Service;

/// All of a database's documents were received so many days ago.
const DAYS: i64 = 10;
const DAY_MS: i64 = 86_400_000;

const TYPES: [&str; 3] = ["login", "order", "page_view"];

/// The server looks for what has expired each second instead of each minute.
const OFTEN: [&str; 2] = ["--setParameter", "ttlMonitorSleepSecs=1"];

#[tokio::test]
async fn types_go_when_their_time_is_over_and_take_their_outcomes_along_embedded() {
    types_go_when_their_time_is_over_and_take_their_outcomes_along(&Home::embedded()).await;
}

#[tokio::test]
async fn types_go_when_their_time_is_over_and_take_their_outcomes_along_mongodb() {
    let server = Mongod::start_with(&OFTEN);
    types_go_when_their_time_is_over_and_take_their_outcomes_along(&Home::on(&server)).await;
}

async fn types_go_when_their_time_is_over_and_take_their_outcomes_along(home: &Home) {
    let double = Double::start(|_| async { taken() }).await;
    let url = ("PROCESSOR_URL", &*double.url);
    let service = Service::start_with(home, &[url]).await;
    let event = |kind: &str| json!({ "userId": "ann", "type": kind, "eventId": kind });
    service.post(&TYPES.map(event).into()).await.expect(202);
    Stored::of(home).await.wait_for("default", TYPES.len()).await;
    assert_eq!(service.terminate().await.code, Some(0));
    age(home).await;

    let settings = [
        ("STORE_RETENTION_DAYS", "30"),
        ("STORE_RETENTION_DAYS_BY_TYPE", "page_view=7, order=0, login=30"),
    ];
    let told = told(home, &settings);
    let group = |kind: Value| told.iter().find(|group| group["type"] == kind).expect("a type");
    assert_eq!(told.len(), 3, "login is kept like all others: {told:?}");
    assert_eq!(group(json!("page_view"))["goneNow"], 1);
    assert_eq!(group(json!("order"))["retentionDays"], Value::Null);
    assert_eq!(group(json!("order"))["goneIn30Days"], 0);
    assert_eq!(group(Value::Null)["events"], 1);
    assert_eq!(group(Value::Null)["goneNow"], 0);
    assert_eq!(group(Value::Null)["goneIn30Days"], 1);

    let service = Service::start_with(home, &[&[url], &settings[..]].concat()).await;
    wait_for(home, &service, &["login", "order"]).await;
    assert_eq!(service.terminate().await.code, Some(0));

    // Another time for what is there.
    let settings = [("STORE_RETENTION_DAYS_BY_TYPE", "login=7")];
    let service = Service::start_with(home, &[&[url], &settings[..]].concat()).await;
    wait_for(home, &service, &["order"]).await;
    assert_eq!(service.terminate().await.code, Some(0));

    // And one for all.
    let settings = [("STORE_RETENTION_DAYS", "7")];
    let service = Service::start_with(home, &[&[url], &settings[..]].concat()).await;
    wait_for(home, &service, &[]).await;
}

#[tokio::test]
async fn what_is_no_time_for_a_type_ends_the_start_with_a_word_on_it() {
    let home = Home::embedded();
    let mut command = home.shell("retention");
    let output = command.arg("show").env("STORE_RETENTION_DAYS_BY_TYPE", "page_view").output();
    let output = output.expect("the binary");
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("such as \"page_view=30\""), "{complaint}");
}

/// What `retention show` says these settings do, by type.
fn told(home: &Home, settings: &[(&str, &str)]) -> Vec<Value> {
    let mut command = home.shell("retention");
    let output = command.args(["show", "--json"]).envs(settings.iter().copied()).output();
    let output = output.expect("the binary");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    told["types"].as_array().expect("types").clone()
}

/// Has all that there is received that long ago.
async fn age(home: &Home) {
    let Some(uri) = home.mongodb_uri() else {
        let file = home.sqlite();
        for table in ["events", "processed_events"] {
            let older = format!("UPDATE {table} SET received_at = received_at - ?1");
            file.execute(&older, [DAYS * DAY_MS]).expect("an update");
        }
        return;
    };
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let database = client.default_database().expect("the URI names a database");
    for collection in ["events", "processedEvents"] {
        let older = doc! { "$set": { "receivedAt": {
            "$subtract": ["$receivedAt", DAYS * DAY_MS],
        } } };
        let collection = database.collection::<Document>(collection);
        let changed = collection.update_many(doc! {}, vec![older]).await.expect("an update");
        assert_eq!(changed.modified_count, TYPES.len() as u64);
    }
}

/// Waits until these types are left, of events and of outcomes.
async fn wait_for(home: &Home, service: &Service, types: &[&str]) {
    let stored = Stored::of(home).await;
    eventually(&format!("{types:?} are left"), A_WHILE, || async {
        let journey = service.get("/users/ann/journey").await;
        let events = match journey.status {
            404 => Vec::new(),
            _ => journey.expect(200).json()["events"].as_array().expect("events").clone(),
        };
        let kind = |event: &Value| event["type"].as_str().expect("a type").to_owned();
        let events: BTreeSet<String> = events.iter().map(kind).collect();
        // The id of an event is its type here.
        let outcomes = stored.outcomes("default").await.into_iter();
        let outcomes: BTreeSet<String> = outcomes.map(|outcome| outcome.event_id).collect();
        let wanted: BTreeSet<String> = types.iter().map(|kind| (*kind).to_owned()).collect();
        (events == wanted && outcomes == wanted).then_some(())
    })
    .await;
}
