//! Many who ask, and accounts that are too much for the database.

use bson::{Document, doc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mongodb::Client;
use serde_json::{Value, json};

use super::{event, store};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::service::Service;

const NOON: &str = "2025-12-15T12:00:00.000Z";
const DAY: &str = "from=2025-12-15T00:00:00Z&to=2025-12-15T23:59:59.999Z";

/// The database of a service, as a person at a shell sees it.
async fn database(home: &Home) -> mongodb::Database {
    let uri = home.mongodb_uri().expect("a home on MongoDB");
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    client.default_database().expect("the URI names a database")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_who_ask_at_once_have_it_counted_once() {
    let home = Home::mongodb();
    let service = Service::start(&home).await;
    let events: Value = (0..1000)
        .map(|number| event("whale", &format!("u{}", number % 50), &number.to_string(), NOON))
        .collect();
    store(&service, &events).await;
    let database = database(&home).await;
    database.run_command(doc! { "profile": 2 }).await.expect("a profiler");

    let path = format!("/accounts/whale/summary?{DAY}");
    let asked = (0..200).map(|_| service.get(&path));
    let answers = futures_util::future::join_all(asked).await;
    let first = answers[0].body.clone();
    for answer in answers {
        assert_eq!(answer.expect(200).body, first);
    }
    let counted = database
        .collection::<Document>("system.profile")
        .count_documents(doc! { "command.aggregate": "events" })
        .await
        .expect("a count");
    assert_eq!(counted, 1);
}

/// A server that can be told to fail, or to wait, in aggregations.
fn obedient_server() -> Mongod {
    Mongod::start_with(&["--setParameter", "enableTestCommands=1"])
}

async fn obey(home: &Home, mode: &str, data: Document) {
    let database = database(home).await;
    let mut data = data;
    data.insert("failCommands", vec!["aggregate"]);
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
    let admin = database.client().database("admin");
    admin.run_command(command).await.expect("a fail point");
}

fn retry_after(answer: &crate::answer::Answer) -> u64 {
    answer.header("retry-after").parse().expect("seconds")
}

#[tokio::test]
async fn a_count_that_the_database_ends_is_answered_503_and_not_kept() {
    let server = obedient_server();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    store(&service, &json!([event("a", "u", "1", NOON)])).await;
    obey(&home, "alwaysOn", doc! { "errorCode": 50 }).await;
    let path = format!("/accounts/a/summary?{DAY}");
    let answer = service.get(&path).await;
    let problem = answer.problem(503);
    assert_eq!(problem["type"], "urn:trailkeep:problem:too-slow");
    assert!(retry_after(&answer) > 0);
    assert_eq!(answer.header("cache-control"), "no-store");

    obey(&home, "off", doc! {}).await;
    let summary = service.get(&path).await.expect(200).json();
    assert_eq!(summary["total"], 1);
}

#[tokio::test]
async fn past_its_limits_a_summary_is_answered_503_and_events_go_on() {
    let server = obedient_server();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    store(&service, &json!([event("a", "u", "1", NOON)])).await;
    let blocking = doc! { "blockConnection": true, "blockTimeMS": 4_000 };
    obey(&home, "alwaysOn", blocking).await;

    let ask = async |account: &'static str| {
        let path = format!("/accounts/{account}/summary?{DAY}");
        service.get(&path).await
    };
    let mut asked: FuturesUnordered<_> = ["a", "b", "c", "d"].into_iter().map(ask).collect();
    // Two of them are being counted, whichever came first.
    for _ in 0..2 {
        let refused = asked.next().await.expect("an answer");
        let problem = refused.problem(503);
        assert_eq!(problem["type"], "urn:trailkeep:problem:busy");
        assert!(retry_after(&refused) > 0);
    }
    store(&service, &json!([event("a", "u", "2", NOON)])).await;
    assert_eq!(service.journey("u", "").await["count"], 2);
    service.get("/accounts/sample").await.expect(200);
    obey(&home, "off", doc! {}).await;
    for _ in 0..2 {
        asked.next().await.expect("an answer").expect(200);
    }
}
