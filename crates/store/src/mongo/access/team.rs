//! `team`, which has one document.

use async_trait::async_trait;
use bson::{DateTime, doc};
use mongodb::Collection;
use serde::{Deserialize, Serialize};

use super::collections::{TEAM, collection};
use super::documents::{date, moment};
use crate::StoreError;
use crate::mongo::connection::Link;
use crate::mongo::errors::store_error;
use crate::mongo::store::MongoStore;
use crate::team::{TeamRecord, TeamStore};

/// The `_id` of the one document.
const ONLY: &str = "team";

/// The document of `team`. Types are values in it: as keys, those with `$` and `.` would be
/// none that every server takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TeamDocument {
    #[serde(rename = "_id")]
    id: String,
    sentences: Vec<SentenceField>,
    hidden_types: Vec<String>,
    pinned_keys: Vec<PinnedField>,
    asks_for_reason: bool,
    updated_at: DateTime,
}

#[derive(Debug, Serialize, Deserialize)]
struct SentenceField {
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PinnedField {
    #[serde(rename = "type")]
    kind: String,
    keys: Vec<String>,
}

impl From<&TeamRecord> for TeamDocument {
    fn from(team: &TeamRecord) -> Self {
        let TeamRecord { sentences, hidden_types, pinned_keys, asks_for_reason, updated_at } =
            team.clone();
        let sentences = sentences.into_iter();
        let pinned_keys = pinned_keys.into_iter();
        Self {
            id: ONLY.to_owned(),
            sentences: sentences.map(|(kind, text)| SentenceField { kind, text }).collect(),
            hidden_types,
            pinned_keys: pinned_keys.map(|(kind, keys)| PinnedField { kind, keys }).collect(),
            asks_for_reason,
            updated_at: date(updated_at),
        }
    }
}

impl From<TeamDocument> for TeamRecord {
    fn from(document: TeamDocument) -> Self {
        let sentences = document.sentences.into_iter();
        let pinned_keys = document.pinned_keys.into_iter();
        Self {
            sentences: sentences.map(|field| (field.kind, field.text)).collect(),
            hidden_types: document.hidden_types,
            pinned_keys: pinned_keys.map(|field| (field.kind, field.keys)).collect(),
            asks_for_reason: document.asks_for_reason,
            updated_at: moment(document.updated_at),
        }
    }
}

#[async_trait]
impl TeamStore for MongoStore {
    async fn team(&self) -> Result<Option<TeamRecord>, StoreError> {
        self.read(async { get(self.link().await?).await }).await
    }

    async fn set_team(&self, team: &TeamRecord) -> Result<(), StoreError> {
        self.write(async { set(self.link().await?, team).await }).await
    }
}

fn documents(link: &Link) -> Collection<TeamDocument> {
    collection(link, TEAM)
}

async fn get(link: &Link) -> Result<Option<TeamRecord>, StoreError> {
    let found = documents(link).find_one(doc! { "_id": ONLY }).await;
    found.map(|found| found.map(TeamRecord::from)).map_err(|error| store_error(&error))
}

async fn set(link: &Link, team: &TeamRecord) -> Result<(), StoreError> {
    documents(link)
        .replace_one(doc! { "_id": ONLY }, TeamDocument::from(team))
        .upsert(true)
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}
