//! TTL indexes: the server deletes what has had its time, in each collection whose documents
//! have a `receivedAt` and a `type`.
//!
//! One index has all documents where all types are kept alike. Where types differ, each type
//! that goes has a partial index of its own, and one more has all other types; so a document
//! is in one of them at the most, and another time for a type is a change in place, which
//! reads nothing. A field that said when each document goes would be as dear to write, and to
//! change a time would be to write every document anew. Measured on MongoDB 6.0, in the
//! server's time for an event: see "How long events are kept" in docs/OPERATIONS.md.
//!
//! The index of all other types names the types between which they lie, as a partial index
//! can ask for no inequality; `$or` in one takes MongoDB 6.0 or later.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;
use trailkeep_event::Timestamp;

use super::connection::Link;
use super::indexes::there::{existing, name_of};
use crate::Retention;

/// The index of all types, or of all that have none of their own.
const NAME: &str = "retention";

/// The index of what has no type, where that is kept for another time than all others.
const WITHOUT_TYPE: &str = "retention_without_type";

/// What the name of a type's index begins with.
const OF_TYPE: &str = "retention_of_";

/// How often it is looked again after a change.
const TRIES: usize = 5;

/// The longest that a TTL index can say, in seconds: 68 years.
const MAX_TTL_SECONDS: u64 = 2_147_483_647;

/// Documents that are kept alike, and go.
struct Part {
    /// What its index is called.
    name: String,
    kept: Duration,
    /// What is in the index; all where there is none.
    filter: Option<Document>,
}

fn parts(retention: &Retention) -> Vec<Part> {
    let part = |name: String, kept: Option<Duration>, filter: Option<Document>| {
        Some(Part { name, kept: kept?, filter })
    };
    let of_others = part(NAME.to_owned(), retention.of_others(), others(retention));
    let of_untyped = is_apart(retention)
        .then(|| part(WITHOUT_TYPE.to_owned(), retention.of_untyped(), Some(untyped())));
    let of_types = retention.types().filter_map(|(kind, kept)| {
        part(format!("{OF_TYPE}{kind}"), kept, Some(doc! { "type": kind }))
    });
    of_others.into_iter().chain(of_untyped.flatten()).chain(of_types).collect()
}

/// The indexes that a collection needs.
pub fn wanted(retention: &Retention) -> Vec<IndexModel> {
    parts(retention).into_iter().map(index).collect()
}

/// What of a collection has had its time, in parts: a filter each, and the index that has all
/// of it where the server does not see that by itself.
pub fn expired(retention: &Retention, now: Timestamp) -> Vec<(Document, Option<&'static str>)> {
    let expired = |Part { name, kept, filter }| {
        let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        let before = bson::DateTime::from_millis(now.as_millis().saturating_sub(kept));
        let is_hidden = filter.is_some() && name == NAME;
        let mut filter = filter.unwrap_or_default();
        filter.insert("receivedAt", doc! { "$lt": before });
        (filter, is_hidden.then_some(NAME))
    };
    parts(retention).into_iter().map(expired).collect()
}

/// Whether one index is the wanted one, of whatever time.
pub fn serves(index: &IndexModel, wanted: &IndexModel) -> bool {
    name_of(index) == name_of(wanted) && filter_of(index) == filter_of(wanted)
}

/// Whether an index is one of these: it goes by its name.
pub fn is_of_retention(index: &IndexModel) -> bool {
    let is_of_type = || index.keys == keys() && seconds_of(index).is_some();
    name_of(index).is_some_and(|name| {
        name == NAME || name == WITHOUT_TYPE || name.starts_with(OF_TYPE) && is_of_type()
    })
}

/// Has the server delete a collection's documents as the retention says, given the indexes
/// that are there.
pub async fn keep_for(
    link: &Link,
    collection: &str,
    found: &[IndexModel],
    retention: &Retention,
) -> Result<(), Error> {
    let mut there = found.to_vec();
    for _ in 0..TRIES {
        if !bring_in_line(link, collection, &there, &wanted(retention)).await? {
            return Ok(());
        }
        there = existing(link, collection).await?;
    }
    tracing::warn!(collection, "another instance has other settings for how long events are kept");
    Ok(())
}

/// Answers whether anything was changed: another instance may have changed the same meanwhile,
/// so it is looked once more.
async fn bring_in_line(
    link: &Link,
    collection: &str,
    there: &[IndexModel],
    wanted: &[IndexModel],
) -> Result<bool, Error> {
    let documents = link.database().collection::<Document>(collection);
    let mut is_changed = false;
    for index in there.iter().filter(|index| is_of_retention(index)) {
        let name = name_of(index).unwrap_or_default();
        match wanted.iter().find(|wanted| serves(index, wanted)) {
            Some(wanted) if seconds_of(index) == seconds_of(wanted) => continue,
            Some(wanted) => change(link, collection, wanted).await?,
            None => {
                documents.drop_index(name).await?;
                tracing::info!(collection, index = name, "nothing is deleted by this index now");
            }
        }
        is_changed = true;
    }
    for index in wanted {
        if !there.iter().any(|other| serves(other, index)) {
            let (name, seconds) = (name_of(index), seconds_of(index));
            documents.create_index(index.clone()).await?;
            tracing::info!(collection, index = name, seconds, "old events are deleted by it");
            is_changed = true;
        }
    }
    Ok(is_changed)
}

/// Changes the time in place: dropping and making the index again would read the whole
/// collection.
async fn change(link: &Link, collection: &str, wanted: &IndexModel) -> Result<(), Error> {
    let (name, seconds) = (name_of(wanted), seconds_of(wanted));
    let as_i64 = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    let index = doc! { "name": name, "expireAfterSeconds": as_i64 };
    link.database().run_command(doc! { "collMod": collection, "index": index }).await?;
    tracing::info!(collection, index = name, seconds, "the retention has changed");
    Ok(())
}

fn index(Part { name, kept, filter }: Part) -> IndexModel {
    let seconds = kept.as_secs().min(MAX_TTL_SECONDS);
    let options = IndexOptions::builder()
        .name(name)
        .expire_after(Duration::from_secs(seconds))
        .partial_filter_expression(filter)
        .build();
    IndexModel::builder().keys(keys()).options(options).build()
}

/// All types but those that differ, and what has none where that is kept alike; `None` for
/// everything.
fn others(retention: &Retention) -> Option<Document> {
    if !retention.is_by_type() {
        return None;
    }
    let mut ranges = if is_apart(retention) { Vec::new() } else { vec![untyped()] };
    let mut after = Document::new();
    for (kind, _) in retention.types() {
        let mut range = after;
        range.insert("$lt", kind);
        ranges.push(doc! { "type": range });
        after = doc! { "$gt": kind };
    }
    ranges.push(doc! { "type": after });
    Some(doc! { "$or": ranges })
}

/// Whether what has no type has an index of its own.
fn is_apart(retention: &Retention) -> bool {
    retention.of_untyped() != retention.of_others()
}

/// The outcome of an event that was gone has no type, nor need have what another tool wrote.
fn untyped() -> Document {
    doc! { "type": null }
}

fn keys() -> Document {
    doc! { "receivedAt": 1 }
}

fn filter_of(index: &IndexModel) -> Option<&Document> {
    index.options.as_ref()?.partial_filter_expression.as_ref()
}

fn seconds_of(index: &IndexModel) -> Option<u64> {
    index.options.as_ref()?.expire_after.map(|ttl| ttl.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn types_of_their_own_are_left_out_of_the_index_of_all_others() {
        let types = [("b".into(), None), ("a".into(), Some(DAY))];
        let retention = Retention::of_all(Some(DAY * 30)).with_types(types);
        let indexes = wanted(&retention);
        let told: Vec<_> =
            indexes.iter().map(|index| (name_of(index), seconds_of(index))).collect();
        assert_eq!(
            told,
            [(Some("retention"), Some(2_592_000)), (Some("retention_of_a"), Some(86_400))]
        );
        let ranges = vec![
            doc! { "type": null },
            doc! { "type": { "$lt": "a" } },
            doc! { "type": { "$gt": "a", "$lt": "b" } },
            doc! { "type": { "$gt": "b" } },
        ];
        assert_eq!(filter_of(&indexes[0]), Some(&doc! { "$or": ranges }));
        assert_eq!(filter_of(&indexes[1]), Some(&doc! { "type": "a" }));

        // An outcome without a type goes with the first.
        let outcomes = wanted(&retention.of_outcomes());
        let told: Vec<_> =
            outcomes.iter().map(|index| (name_of(index), seconds_of(index))).collect();
        assert_eq!(told[1], (Some("retention_without_type"), Some(2 * 86_400)));
        assert_eq!(filter_of(&outcomes[1]), Some(&doc! { "type": null }));
    }
}
