//! Ten thousand keys.

use std::time::{Duration, Instant};

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use mongodb::Client;
use serde_json::json;

use super::{assert_problem, listed, post, post_without, revoke, try_to_make};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(ten_thousand_keys_are_taken_and_no_more_are_made);

const MOST: u32 = 10_000;

fn hash(key: &str) -> Vec<u8> {
    trailkeep::access::hash_secret(key).to_vec()
}

fn id(number: u32) -> [u8; 16] {
    (u128::from(number) + 1).to_be_bytes()
}

fn key(number: u32) -> String {
    format!("wk_{number:043}")
}

/// As ten thousand calls would leave them, and a version that nobody has seen.
async fn fill(home: &Home) {
    let Some(uri) = home.mongodb_uri() else {
        let mut file = home.sqlite();
        let transaction = file.transaction().expect("a transaction");
        let insert = "INSERT INTO write_keys (id, name, hash, hint, origins, created_at) \
                      VALUES (?1, ?2, ?3, '0000', '[\"https://shop.example\"]', ?4)";
        for number in 0..MOST {
            let name = format!("key-{number}");
            let row = rusqlite::params![id(number), name, hash(&key(number)), number];
            transaction.execute(insert, row).expect("a row");
        }
        return transaction.commit().expect("a commit");
    };
    let client = Client::with_uri_str(uri).await.expect("a MongoDB");
    let binary = |subtype, bytes| Binary { subtype, bytes };
    let keys = (0..MOST).map(|number| {
        doc! {
            "_id": binary(BinarySubtype::Uuid, id(number).to_vec()), "name": format!("key-{number}"),
            "hash": binary(BinarySubtype::Generic, hash(&key(number))), "hint": "0000",
            "origins": ["https://shop.example"], "createdAt": DateTime::from_millis(number.into()),
        }
    });
    let database = client.default_database().expect("a database");
    let collection = database.collection::<Document>("writeKeys");
    collection.insert_many(keys).await.expect("documents");
    client.shutdown().await;
}

/// The middle one of a hundred posts with a key.
async fn time_of_a_post(service: &Service, key: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..100 {
        let since = Instant::now();
        post(service, key).await.expect(202);
        times.push(since.elapsed());
    }
    times.sort();
    times[50]
}

async fn ten_thousand_keys_are_taken_and_no_more_are_made(home: Home) {
    let settings = [("ACCESS_WRITE_KEYS", "app:wk-0123456789-app1")];
    let service = Service::start_with(&home, &settings).await;
    let (memory, with_one) =
        (service.memory(), time_of_a_post(&service, "wk-0123456789-app1").await);
    assert_eq!(service.terminate().await.code, Some(0));
    fill(&home).await;
    let service = Service::start_with(&home, &settings).await;
    super::wait_for(&service, &key(MOST - 1)).await;
    let with_all = time_of_a_post(&service, &key(MOST / 2)).await;
    // Told and not judged: on a busy machine the time is that of others.
    eprintln!("a post: {with_one:?} with one key, {with_all:?} with {MOST}");
    // What was read in order to know them is given back a moment later.
    eventually("they take less than 40 MiB", SOON, || async {
        let grown = service.memory().saturating_sub(memory) >> 20;
        (grown < 40).then_some(())
    })
    .await;

    post(&service, &key(0)).await.expect(202);
    post(&service, &key(MOST)).await.problem(401);
    assert_eq!(listed(&service).await.len(), 1 + MOST as usize);
    let refused = try_to_make(&service, &json!({ "name": "one-more" })).await;
    assert_problem(&refused, 409, "too-many-write-keys");
    let first = uuid::Uuid::from_bytes(id(0)).to_string();
    revoke(&service, &first).await.expect(204);
    post(&service, &key(0)).await.problem(401);
    try_to_make(&service, &json!({ "name": "one-more" })).await.expect(201);
    service.crash().await;

    let service = Service::start_unready(&home, &settings).await;
    post(&service, &key(0)).await.problem(401);
    post(&service, &key(MOST - 1)).await.expect(202);
    post_without(&service).await.problem(401);
}
