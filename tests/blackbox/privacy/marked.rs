//! A user all of whose data has a marker in it, and where the marker is to be found: in every
//! byte of the data folder, and in every document of every collection.

use axum::Json;
use axum::response::IntoResponse as _;
use bson::RawDocumentBuf;
use futures_util::TryStreamExt as _;
use mongodb::Client;
use serde_json::{Value, json};

use crate::home::Home;
use crate::processing::double::{Double, status};

/// Stands in every field that a tracker fills.
pub const MARKER: &str = "MaRkEr7f3a";

/// The user.
pub fn user() -> String {
    format!("ann-{MARKER}")
}

/// What becomes of an event.
#[derive(Clone, Copy)]
pub enum Fate {
    /// Stored, and processed.
    Stored,
    /// Refused by the database for good, where it has the rule.
    DeadLetter,
    /// The processor refuses it for good, with its words.
    Failed,
    /// The processor does not take it, again and again.
    Pending,
}

impl Fate {
    fn kind(self) -> String {
        match self {
            Self::Stored => format!("view-{MARKER}"),
            // The rule knows it by this name.
            Self::DeadLetter => "purchase".to_owned(),
            Self::Failed => format!("failing-{MARKER}"),
            Self::Pending => format!("pending-{MARKER}"),
        }
    }
}

/// An event of a user, with the marker in all of its fields.
pub fn event(user: &str, number: usize, fate: Fate) -> Value {
    json!({
        "userId": user, "anonymousId": format!("device-{MARKER}"), "type": fate.kind(),
        "eventId": format!("{MARKER}-{number}"), "sessionId": format!("session-{MARKER}"),
        "accountId": format!("account-{MARKER}"),
        "payload": { MARKER: { "deep": [MARKER, number] } },
    })
}

/// Says who the user is.
pub fn identify(user: &str) -> Value {
    json!({
        "userId": user, "anonymousId": format!("device-{MARKER}"), "type": "identify",
        "eventId": format!("{MARKER}-who"),
        "payload": { "traits": {
            "email": format!("{MARKER}@example.com"), "name": format!("Ann {MARKER}"),
            MARKER: MARKER,
        } },
    })
}

/// Events of every fate, of the user and of the device before.
pub fn events() -> Value {
    let device = format!("device-{MARKER}");
    let before = json!({ "anonymousId": device, "type": Fate::Stored.kind(),
                         "payload": { "marker": MARKER } });
    let fates =
        [Fate::Stored, Fate::DeadLetter, Fate::Failed, Fate::Stored, Fate::Pending, Fate::Stored];
    let fates = fates.into_iter().enumerate();
    let of_user = fates.map(|(number, fate)| event(&user(), number, fate));
    std::iter::once(before).chain([identify(&user())]).chain(of_user).collect()
}

/// A processor that has something to say of each event.
pub async fn processor() -> Double {
    Double::start(async |asked| {
        let kind = asked.body["type"].as_str().unwrap_or_default().to_owned();
        if kind.starts_with("pending-") {
            return status(500);
        }
        if kind.starts_with("failing-") {
            let said = json!({ "error": format!("not {MARKER}") });
            return (axum::http::StatusCode::UNPROCESSABLE_ENTITY, Json(said)).into_response();
        }
        Json(json!({ "status": "success", "user": asked.user() })).into_response()
    })
    .await
}

/// Where the marker is: files of the folder, and documents of collections.
pub async fn places(home: &Home) -> Vec<String> {
    let mut found = files(home);
    if let Some(uri) = home.mongodb_uri() {
        found.extend(documents(uri).await);
    }
    found
}

/// The files of a data folder that have the marker.
pub fn files(home: &Home) -> Vec<String> {
    let has = |bytes: &[u8]| bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
    let files = home.files().into_iter();
    // The control socket is no file; and one may be gone meanwhile.
    let files = files.filter(|path| std::fs::read(path).is_ok_and(|bytes| has(&bytes)));
    files.map(|path| path.display().to_string()).collect()
}

async fn documents(uri: &str) -> Vec<String> {
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let database = client.default_database().expect("the URI names a database");
    let mut found = Vec::new();
    for name in database.list_collection_names().await.expect("collections") {
        let collection = database.collection::<RawDocumentBuf>(&name);
        let mut documents = collection.find(bson::doc! {}).await.expect("documents");
        while let Some(document) = documents.try_next().await.expect("a document") {
            let bytes = document.as_bytes();
            if bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
                found.push(format!("{name}: {document:?}"));
            }
        }
    }
    client.shutdown().await;
    found
}
