//! What the collection needs before the first event comes. Several instances
//! may do this at once, with each other and with a person at a shell.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use super::connection::{EVENTS, Link};
use super::errors::{code_of, store_error};
use super::layout::Layout;
use crate::StoreError;

/// The index that serves every journey: in each period a range of one user, in
/// order. The tie-breaker is part of it, or ties would be sorted in memory.
const JOURNEY: &str = "journey_by_period";

/// The same without a period in front, as older versions made it, and as a
/// cluster that is sharded by the user needs it.
pub const OLD_JOURNEY: &str = "journey";

/// The index that answers for accounts: whatever their summaries count is in it,
/// so no document is read. Only events with an account are in it, since it
/// nearly doubles what an event costs the server.
const ACCOUNT: &str = "account";

/// The index by which the server deletes old events.
const RETENTION: &str = "retention";

/// The longest that a TTL index can say, in seconds: 68 years.
const MAX_TTL_SECONDS: u64 = 2_147_483_647;

/// There is no such collection.
const NAMESPACE_NOT_FOUND: i32 = 26;

/// Codes by which a change of indexes loses a race with the same change made
/// elsewhere; looking again shows what is left to do.
const RACES: [i32; 9] = [
    NAMESPACE_NOT_FOUND,
    27,    // IndexNotFound
    48,    // NamespaceExists
    68,    // IndexAlreadyExists
    85,    // IndexOptionsConflict
    86,    // IndexKeySpecsConflict
    117,   // ConflictingOperationInProgress
    276,   // IndexBuildAborted
    12587, // BackgroundOperationInProgressForNamespace
];

/// How often a lost race is run again, and the pause before it, which grows.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// The first version of the server that stores keys with a dollar in front
/// inside of a payload.
const FIRST_VERSION: i32 = 5;

/// The indexes of the events.
pub fn wanted_of_events(layout: Layout, retention: Option<Duration>) -> Vec<IndexModel> {
    let retention = retention.map(|retention| retention_index(ttl_seconds(retention)));
    [journey_index(layout), account_index()].into_iter().chain(retention).collect()
}

/// Whether one index is as good as a wanted one of the events.
pub fn serves_events(index: &IndexModel, wanted: &IndexModel) -> bool {
    if let Some(layout) = Layout::ALL.into_iter().find(|layout| layout.keys() == wanted.keys) {
        serves_journeys(index, layout)
    } else if wanted.keys == account_keys() {
        serves_accounts(index)
    } else {
        is_of_retention(index)
    }
}

/// Makes the collection and its indexes what they have to be; but for an index of
/// journeys of an older version, which is named and takes longer to replace.
pub async fn make(link: &Link, retention: Option<Duration>) -> Result<Journeys, StoreError> {
    let hello = link.database().run_command(doc! { "hello": 1 }).await;
    let wanted = Layout::wanted(&hello.map_err(|error| store_error(&error))?);
    settle(|| try_make(link, wanted, retention)).await
}

/// How journeys are indexed when all is made that can be made at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journeys {
    /// As they have to be.
    Ready(Layout),
    /// As an older version did it.
    ToReplace,
}

/// Runs a change of indexes, again where it loses a race with the same change
/// made elsewhere: it has to look at what is there, and do what is left.
pub async fn settle<F, Changing, T>(change: F) -> Result<T, StoreError>
where
    F: Fn() -> Changing,
    Changing: Future<Output = Result<T, Error>>,
{
    let mut attempt = 1;
    loop {
        match change().await {
            Err(error) if attempt < TRIES && lost_a_race(&error) => {
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
            }
            result => return result.map_err(|error| store_error(&error)),
        }
    }
}

fn lost_a_race(error: &Error) -> bool {
    code_of(error).is_some_and(|code| RACES.contains(&code))
}

async fn try_make(
    link: &Link,
    wanted: Layout,
    retention: Option<Duration>,
) -> Result<Journeys, Error> {
    let existing = existing(link, EVENTS).await?;
    let is_there = |layout| existing.iter().any(|index| serves_journeys(index, layout));
    let journeys = if wanted == Layout::ByPeriod && has_old_journey(&existing) {
        Journeys::ToReplace
    } else {
        if !is_there(wanted) {
            link.events::<Document>().create_index(journey_index(wanted)).await?;
        }
        Journeys::Ready(wanted)
    };
    if !existing.iter().any(serves_accounts) {
        link.events::<Document>().create_index(account_index()).await?;
    }
    keep_for(link, EVENTS, &existing, retention).await?;
    Ok(journeys)
}

/// Whether the index of journeys of an older version is there. One of another name
/// is somebody else's.
pub fn has_old_journey(existing: &[IndexModel]) -> bool {
    existing
        .iter()
        .any(|index| name_of(index) == Some(OLD_JOURNEY) && serves_journeys(index, Layout::ByUser))
}

/// Has the server delete a collection's documents that long after their
/// receipt, given the indexes that are there.
pub async fn keep_for(
    link: &Link,
    collection: &str,
    existing: &[IndexModel],
    retention: Option<Duration>,
) -> Result<(), Error> {
    let documents = || link.database().collection::<Document>(collection);
    let wanted = retention.map(ttl_seconds);
    match (retention_in_force(existing), wanted) {
        (None, None) => Ok(()),
        (None, Some(seconds)) => {
            documents().create_index(retention_index(seconds)).await?;
            tracing::info!(collection, seconds, "old events are deleted from now on");
            Ok(())
        }
        (Some(_), None) => {
            documents().drop_index(RETENTION).await?;
            tracing::info!(collection, "events are kept for good from now on");
            Ok(())
        }
        (Some(current), Some(seconds)) if current == Some(seconds) => Ok(()),
        (Some(_), Some(seconds)) => change_retention(link, collection, seconds).await,
    }
}

/// Changes the TTL in place: dropping and making the index again would read
/// the whole collection.
async fn change_retention(link: &Link, collection: &str, seconds: u64) -> Result<(), Error> {
    let index = doc! { "name": RETENTION, "expireAfterSeconds": as_i64(seconds) };
    link.database().run_command(doc! { "collMod": collection, "index": index }).await?;
    tracing::info!(collection, seconds, "the retention of events has changed");
    Ok(())
}

/// A collection's indexes; none if there is no collection yet.
pub async fn existing(link: &Link, collection: &str) -> Result<Vec<IndexModel>, Error> {
    let collection = link.database().collection::<Document>(collection);
    match collection.list_indexes().await {
        Ok(indexes) => indexes.try_collect().await,
        Err(error) if code_of(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether an index is as good as ours, whatever its name: on a large
/// collection a person may have made it beforehand.
fn serves_journeys(index: &IndexModel, layout: Layout) -> bool {
    let whole = index.options.as_ref().is_none_or(|options| {
        options.sparse != Some(true)
            && options.hidden != Some(true)
            && options.partial_filter_expression.is_none()
            && options.collation.is_none()
    });
    whole && index.keys == layout.keys()
}

/// Whether an index is as good as ours for accounts, or holds all events.
fn serves_accounts(index: &IndexModel) -> bool {
    let fits = index.options.as_ref().is_none_or(|options| {
        let filter = options.partial_filter_expression.as_ref();
        options.sparse != Some(true)
            && options.hidden != Some(true)
            && filter.is_none_or(|filter| *filter == with_account())
            && options.collation.is_none()
    });
    fits && index.keys == account_keys()
}

/// Whether an index deletes old documents: it goes by its name.
fn is_of_retention(index: &IndexModel) -> bool {
    name_of(index) == Some(RETENTION)
}

/// What an index is called; the server names all of them.
pub fn name_of(index: &IndexModel) -> Option<&str> {
    index.options.as_ref()?.name.as_deref()
}

/// Whether there is a retention index, and the seconds it says.
fn retention_in_force(existing: &[IndexModel]) -> Option<Option<u64>> {
    existing
        .iter()
        .filter_map(|index| index.options.as_ref())
        .find(|options| options.name.as_deref() == Some(RETENTION))
        .map(|options| options.expire_after.map(|ttl| ttl.as_secs()))
}

/// The index of journeys.
pub fn journey_index(layout: Layout) -> IndexModel {
    let name = match layout {
        Layout::ByUser => OLD_JOURNEY,
        Layout::ByPeriod => JOURNEY,
    };
    IndexModel::builder()
        .keys(layout.keys())
        .options(IndexOptions::builder().name(name.to_owned()).build())
        .build()
}

/// The keys of the index that answers for accounts.
pub fn account_keys() -> Document {
    doc! { "accountId": 1, "occurredAt": 1, "type": 1, "userId": 1 }
}

/// `$exists`, because the server sees that any comparison of the field implies
/// it; of a `$type` it does not.
fn with_account() -> Document {
    doc! { "accountId": { "$exists": true } }
}

fn account_index() -> IndexModel {
    let options = IndexOptions::builder()
        .name(ACCOUNT.to_owned())
        .partial_filter_expression(with_account())
        .build();
    IndexModel::builder().keys(account_keys()).options(options).build()
}

/// What [`keep_for`] makes.
pub fn retention_index(seconds: u64) -> IndexModel {
    let options = IndexOptions::builder()
        .name(RETENTION.to_owned())
        .expire_after(Duration::from_secs(seconds))
        .build();
    IndexModel::builder().keys(doc! { "receivedAt": 1 }).options(options).build()
}

/// As a TTL index says it.
pub fn ttl_seconds(retention: Duration) -> u64 {
    retention.as_secs().min(MAX_TTL_SECONDS)
}

fn as_i64(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Says so if the server is too old for every payload.
pub async fn warn_of_old_server(link: &Link) {
    if let Some(version) = old_version(link).await {
        tracing::warn!(
            version,
            "MongoDB is older than {FIRST_VERSION}.0: events whose payloads have keys such as \
             \"$id\" will be refused by it"
        );
    }
}

/// Refuses a server that is too old for every payload, where no payload may be left behind.
pub async fn refuse_old_server(link: &Link) -> Result<(), StoreError> {
    old_version(link).await.map_or(Ok(()), |version| {
        Err(StoreError::Denied(format!(
            "it is MongoDB {version}, and {FIRST_VERSION}.0 is the oldest that takes every payload"
        )))
    })
}

/// The version of a server that is too old for every payload; one that does not tell its
/// version is taken as it is.
async fn old_version(link: &Link) -> Option<String> {
    let info = link.database().run_command(doc! { "buildInfo": 1 }).await.ok()?;
    let major = info.get_array("versionArray").ok().and_then(|parts| parts.first()?.as_i32());
    let is_old = major.is_some_and(|major| major < FIRST_VERSION);
    is_old.then(|| info.get_str("version").unwrap_or_default().to_owned())
}
