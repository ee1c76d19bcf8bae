//! Who was erased, kept apart from the database: what has to outlive it, so that a copy of the
//! database that is put back brings nobody back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::id_json::{IdInJson, bytes_of, digits_of};
use super::{Erasure, ErasureKey, ErasureStore, IdHash, Place};
use crate::StoreError;

/// The form of the file. One of a later version is refused.
const FORMAT: u32 = 1;

/// The erasures and blocks of a database. It takes about 500 bytes of memory for each erasure.
pub struct ErasureList {
    /// When the database had it so.
    pub taken_at: Timestamp,
    /// What hashes the ids.
    pub key: ErasureKey,
    /// Whose events are left out.
    pub blocked: Vec<IdHash>,
    /// All that were ever asked for, oldest first. Those under way name their ids.
    pub erasures: Vec<Erasure>,
}

/// Why a file is no list of erasures.
#[derive(Debug, thiserror::Error)]
pub enum NotAList {
    /// It is something else, or damaged.
    #[error("it is no list of erasures, or a damaged one: {0}")]
    Unreadable(String),
    /// It was written by a newer version.
    #[error("it was written by a newer Trailkeep (its format is {0}, this program knows {FORMAT})")]
    Newer(u32),
}

impl ErasureList {
    /// That of a database.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn of(store: &dyn ErasureStore, now: Timestamp) -> Result<Self, StoreError> {
        let key = store.erasure_key().await?;
        let blocked = store.blocked().await?;
        let mut erasures = store.newest_erasures(usize::MAX).await?;
        erasures.sort_by_key(|erasure| (erasure.requested_at, erasure.id));
        Ok(Self { taken_at: now, key, blocked, erasures })
    }

    /// As it is kept in a file.
    ///
    /// # Errors
    ///
    /// None that is known: all of it is text and numbers.
    pub fn to_json(&self) -> Result<String, StoreError> {
        let list = ListInJson {
            format: FORMAT,
            taken_at: self.taken_at.as_millis(),
            key: digits_of(&self.key.0),
            blocked: self.blocked.iter().map(|hash| digits_of(&hash.0)).collect(),
            erasures: self.erasures.iter().map(ErasureInJson::of).collect(),
        };
        serde_json::to_string(&list).map_err(|fault| StoreError::Unreadable(fault.to_string()))
    }

    /// What a file has.
    ///
    /// # Errors
    ///
    /// It is something else, damaged, or of a newer version.
    pub fn from_json(text: &str) -> Result<Self, NotAList> {
        let unreadable = |fault: serde_json::Error| NotAList::Unreadable(fault.to_string());
        let Form { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format > FORMAT {
            return Err(NotAList::Newer(format));
        }
        let list: ListInJson = serde_json::from_str(text).map_err(unreadable)?;
        let hashes = list.blocked.iter().map(|digits| bytes_of(digits).map(IdHash));
        let erasures = list.erasures.into_iter().map(ErasureInJson::into_erasure);
        Ok(Self {
            taken_at: Timestamp::from_millis_clamped(list.taken_at),
            key: ErasureKey(bytes_of(&list.key).map_err(NotAList::Unreadable)?),
            blocked: hashes.collect::<Result<_, _>>().map_err(NotAList::Unreadable)?,
            erasures: erasures.collect::<Result<_, _>>().map_err(NotAList::Unreadable)?,
        })
    }
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// Times are milliseconds since the epoch, UTC; hashes are hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListInJson {
    format: u32,
    taken_at: i64,
    key: String,
    blocked: Vec<String>,
    erasures: Vec<ErasureInJson>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErasureInJson {
    id: Uuid,
    ids: Vec<IdInJson>,
    requested_at: i64,
    verified_at: Option<i64>,
    parts: BTreeMap<Uuid, i64>,
    missing: Vec<Uuid>,
    deleted: BTreeMap<String, u64>,
}

impl ErasureInJson {
    fn of(erasure: &Erasure) -> Self {
        let parts = erasure.parts.iter().map(|(instance, at)| (*instance, at.as_millis()));
        let deleted = erasure.deleted.iter();
        Self {
            id: erasure.id,
            ids: erasure.ids.iter().map(IdInJson::of).collect(),
            requested_at: erasure.requested_at.as_millis(),
            verified_at: erasure.verified_at.map(Timestamp::as_millis),
            parts: parts.collect(),
            missing: erasure.missing.clone(),
            deleted: deleted.map(|(place, number)| (place.word().to_owned(), *number)).collect(),
        }
    }

    fn into_erasure(self) -> Result<Erasure, String> {
        let moment = Timestamp::from_millis_clamped;
        let deleted = self.deleted.into_iter();
        Ok(Erasure {
            id: self.id,
            ids: self.ids.into_iter().map(IdInJson::into_id).collect::<Result<_, _>>()?,
            requested_at: moment(self.requested_at),
            verified_at: self.verified_at.map(moment),
            parts: self.parts.into_iter().map(|(id, at)| (id, moment(at))).collect(),
            missing: self.missing,
            deleted: deleted
                .filter_map(|(word, number)| Some((Place::from_word(&word)?, number)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::Arrival;

    use super::super::ErasedId;
    use super::*;

    #[test]
    fn what_is_kept_in_a_file_is_read_back_unchanged() {
        let key = ErasureKey([9; 32]);
        let named = |id: &str, is_named: bool| ErasedId {
            id: is_named.then(|| id.into()),
            hash: key.hash(id),
            until: Arrival::from_i64(-5),
        };
        let at = Timestamp::from_millis_clamped;
        let erasure = Erasure {
            id: Uuid::now_v7(),
            ids: vec![named("an \"n", true), named("bob", false)],
            requested_at: at(5),
            verified_at: Some(at(7)),
            parts: [(Uuid::now_v7(), at(6))].into(),
            missing: vec![Uuid::now_v7()],
            deleted: [(Place::Events, 3)].into(),
        };
        let running = Erasure { verified_at: None, ..erasure.clone() };
        let list = ErasureList {
            taken_at: at(8),
            key,
            blocked: vec![key.hash("bob")],
            erasures: vec![erasure, running],
        };
        let back = ErasureList::from_json(&list.to_json().unwrap()).unwrap();
        assert!(back.key == list.key);
        assert_eq!((back.taken_at, &back.blocked), (list.taken_at, &list.blocked));
        assert_eq!(back.erasures, list.erasures);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        for text in ["", "{}", "[]", r#"{"format":1}"#, r#"{"format":1,"key":"00"}"#] {
            assert!(matches!(ErasureList::from_json(text), Err(NotAList::Unreadable(_))), "{text}");
        }
        let newer = ErasureList::from_json(r#"{"format":2,"moons":[]}"#);
        assert!(matches!(newer, Err(NotAList::Newer(2))));
    }
}
