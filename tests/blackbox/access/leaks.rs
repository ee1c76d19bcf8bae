//! What a copy of the database is good for: nothing that opens a session.

use std::collections::BTreeSet;

use bson::{Bson, Document};
use futures_util::TryStreamExt as _;
use mongodb::Client;
use reqwest::Method;
use serde_json::json;

use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(nothing_that_is_stored_opens_a_session);

async fn nothing_that_is_stored_opens_a_session(home: Home) {
    let service = Service::start(&home).await;
    let session = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let body = json!({ "name": "machine", "scope": "read" });
    let request = service.request(Method::POST, "/api/tokens").json(&body);
    let made = service.send(request).await.expect(201).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    service.get("/users/u/journey").await.expect(200);
    let uri = home.mongodb_uri().map(str::to_owned);
    // The file is whole once the service has closed it.
    let (service, stored) = match uri {
        Some(uri) => (service, stored_in_mongodb(&uri).await),
        None => {
            service.terminate().await;
            let stored = stored_in_file(&home);
            (Service::start(&home).await, stored)
        }
    };

    for secret in [&session, &token, PASSWORD] {
        assert!(!stored.contains(secret), "a secret is stored");
    }
    let tried: Vec<_> = stored.iter().filter(|text| text.len() <= 512).collect();
    assert!(tried.len() > 20, "{tried:?}");
    for text in tried {
        let is_sendable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !is_sendable {
            continue;
        }
        for (name, value) in [
            ("authorization", format!("Bearer {text}")),
            ("authorization", format!("Bearer tkp_{text}")),
            ("cookie", format!("trailkeep={text}")),
        ] {
            let request = service.request(Method::GET, "/stats").header(name, &value);
            let answer = service.send_as_it_is(request).await;
            assert_eq!(answer.status, 401, "{name}: {value}");
        }
    }
    for token in [&session, &token] {
        let request = service.request(Method::GET, "/stats").bearer_auth(token);
        service.send_as_it_is(request).await.expect(200);
    }
}

/// A text and everything in it that could be one of its parts; of bytes, the
/// forms in which they could be sent.
fn note_text(text: &str, found: &mut BTreeSet<String>) {
    found.insert(text.to_owned());
    if let Ok(value) = serde_json::from_str(text) {
        note_json(&value, found);
    }
}

fn note_json(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            found.insert(text.clone());
        }
        serde_json::Value::Array(items) => {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect();
            if let Some(bytes) = bytes {
                note_bytes(&bytes, found);
            }
            items.iter().for_each(|item| note_json(item, found));
        }
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|field| note_json(field, found));
        }
        _ => {}
    }
}

fn note_bytes(bytes: &[u8], found: &mut BTreeSet<String>) {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    found.insert(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    for part in [bytes, &bytes[..bytes.len().min(16)]] {
        found.insert(URL_SAFE_NO_PAD.encode(part));
        found.insert(STANDARD.encode(part));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        note_text(text, found);
    }
}

async fn stored_in_mongodb(uri: &str) -> BTreeSet<String> {
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let database = client.default_database().expect("the URI names a database");
    let mut found = BTreeSet::new();
    for name in database.list_collection_names().await.expect("collections") {
        let collection = database.collection::<Document>(&name);
        let mut documents = collection.find(Document::new()).await.expect("documents");
        while let Some(document) = documents.try_next().await.expect("a document") {
            note_bson(&Bson::Document(document), &mut found);
        }
    }
    client.shutdown().await;
    found
}

fn note_bson(value: &Bson, found: &mut BTreeSet<String>) {
    match value {
        Bson::String(text) => note_text(text, found),
        Bson::Binary(binary) => note_bytes(&binary.bytes, found),
        Bson::Array(items) => items.iter().for_each(|item| note_bson(item, found)),
        Bson::Document(document) => document.values().for_each(|field| note_bson(field, found)),
        _ => {}
    }
}

fn stored_in_file(home: &Home) -> BTreeSet<String> {
    use rusqlite::types::ValueRef;
    let database = home.sqlite();
    let mut tables =
        database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a query");
    let names: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .expect("tables")
        .map(|name| name.expect("a name"))
        .collect();
    let mut found = BTreeSet::new();
    for name in names {
        let mut all = database.prepare(&format!("SELECT * FROM \"{name}\"")).expect("a query");
        let columns = all.column_count();
        let mut rows = all.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                match row.get_ref(column).expect("a value") {
                    ValueRef::Text(text) => note_text(&String::from_utf8_lossy(text), &mut found),
                    ValueRef::Blob(bytes) => note_bytes(bytes, &mut found),
                    _ => {}
                }
            }
        }
    }
    found
}
