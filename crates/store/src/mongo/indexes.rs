//! What the collection needs before the first event comes. Several instances
//! may do this at once, with each other and with a person at a shell.

pub mod there;

use std::time::Duration;

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use self::there::name_of;
pub use self::there::{NAMESPACE_NOT_FOUND, existing};
use super::connection::{EVENTS, Link};
use super::errors::{code_of, store_error};
use super::layout::Layout;
use super::retention::{self, keep_for};
use crate::{Retention, StoreError};

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

/// The indexes of the events.
pub fn wanted_of_events(layout: Layout, retention: &Retention) -> Vec<IndexModel> {
    let retention = retention::wanted(retention);
    [journey_index(layout), account_index()].into_iter().chain(retention).collect()
}

/// Whether one index is as good as a wanted one of the events.
pub fn serves_events(index: &IndexModel, wanted: &IndexModel) -> bool {
    if let Some(layout) = Layout::ALL.into_iter().find(|layout| layout.keys() == wanted.keys) {
        serves_journeys(index, layout)
    } else if wanted.keys == account_keys() {
        serves_accounts(index)
    } else {
        retention::serves(index, wanted)
    }
}

/// Makes the collection and its indexes what they have to be; but for an index of
/// journeys of an older version, which is named and takes longer to replace.
pub async fn make(link: &Link, retention: &Retention) -> Result<Journeys, StoreError> {
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

async fn try_make(link: &Link, wanted: Layout, retention: &Retention) -> Result<Journeys, Error> {
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
