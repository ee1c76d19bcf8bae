//! Ids of which only hashes are known, found in all that is kept.

use std::collections::{BTreeSet, HashSet};

use bson::doc;

use crate::StoreError;
use crate::erasures::{ErasureKey, IdHash};
use crate::mongo::access::collections::AUDIT;
use crate::mongo::causal::Call;
use crate::mongo::connection::EVENTS;
use crate::mongo::dead_letters::DEAD_LETTERS;
use crate::mongo::errors::store_error;
use crate::mongo::people::indexes::{PEOPLE, SESSIONS};
use crate::mongo::processing::outcome_collections;

/// Wherever ids are by which something else is found, beside outcomes: collections, and their
/// fields.
const SOURCES: [(&str, &str); 7] = [
    (EVENTS, "$userId"),
    (DEAD_LETTERS, "$userId"),
    (PEOPLE, "$_id"),
    (PEOPLE, "$owner"),
    (PEOPLE, CLAIMS),
    (SESSIONS, "$userId"),
    (AUDIT, "$subject"),
];

/// Several in each document.
const CLAIMS: &str = "$claims.user";

/// The server reads each collection once, and hands over each id once.
pub async fn find(
    call: &mut Call<'_>,
    key: ErasureKey,
    hashes: &HashSet<IdHash>,
) -> Result<Vec<Box<str>>, StoreError> {
    let mut found: BTreeSet<Box<str>> = BTreeSet::new();
    let outcomes = outcome_collections(call.link()).await.map_err(|error| store_error(&error))?;
    let outcomes = outcomes.iter().map(|name| (name.as_str(), "$userId"));
    for (collection, field) in SOURCES.into_iter().chain(outcomes) {
        let documents = call.collection(collection);
        let mut group = vec![doc! { "$group": { "_id": field } }];
        if field == CLAIMS {
            group.insert(0, doc! { "$unwind": "$claims" });
        }
        let ids = documents.aggregate(group).allow_disk_use(true).session(call.session()).await;
        let mut ids = ids.map_err(|error| store_error(&error))?;
        while ids.advance(call.session()).await.map_err(|error| store_error(&error))? {
            // What another tool wrote may be no text.
            let Ok(id) = ids.current().get_str("_id") else { continue };
            if hashes.contains(&key.hash(id)) {
                found.insert(id.into());
            }
        }
    }
    Ok(found.into_iter().collect())
}
