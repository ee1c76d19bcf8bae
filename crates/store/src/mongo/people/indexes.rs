//! The indexes of `people` and `userSessions`.

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use crate::mongo::connection::Link;
use crate::mongo::indexes::{existing, settle};
use crate::mongo::retention::{self, keep_for};
use crate::{Retention, StoreError};

/// The collection that has a row for each id.
pub const PEOPLE: &str = "people";

/// The collection that has the user of each session. `sessions` has those of the staff.
pub const SESSIONS: &str = "userSessions";

/// Makes what is missing. Several instances may do it at once.
pub async fn prepare(link: &Link, retention: &Retention) -> Result<(), StoreError> {
    let retention = of_users(retention);
    settle(|| try_make(link, PEOPLE, of_people(), &retention)).await?;
    settle(|| try_make(link, SESSIONS, Vec::new(), &retention)).await
}

/// The indexes of both, by collection.
pub fn wanted(retention: &Retention) -> [(&'static str, Vec<IndexModel>); 2] {
    let retention = retention::wanted(&of_users(retention));
    let with_retention = |indexes: Vec<IndexModel>| indexes.into_iter().chain(retention.clone());
    [
        (PEOPLE, with_retention(of_people()).collect()),
        (SESSIONS, with_retention(Vec::new()).collect()),
    ]
}

async fn try_make(
    link: &Link,
    collection: &str,
    wanted: Vec<IndexModel>,
    retention: &Retention,
) -> Result<(), Error> {
    let there = existing(link, collection).await?;
    let is_there = |index: &IndexModel| there.iter().any(|other| other.keys == index.keys);
    let missing: Vec<_> = wanted.into_iter().filter(|index| !is_there(index)).collect();
    if !missing.is_empty() {
        link.database().collection::<Document>(collection).create_indexes(missing).await?;
    }
    keep_for(link, collection, &there, retention).await
}

/// What is known of a user serves all of their events.
fn of_users(retention: &Retention) -> Retention {
    Retention::of_all(retention.longest())
}

/// Few rows were joined by hand: only those are in the last one.
fn of_people() -> Vec<IndexModel> {
    vec![
        index("terms", doc! { "terms": 1 }, None),
        index("owner", doc! { "owner": 1, "since": -1 }, None),
        index("stays_with_user", doc! { "staysWithUser": 1 }, Some("staysWithUser")),
    ]
}

/// An index of the documents that have a field, or of all.
fn index(name: &str, keys: Document, field: Option<&str>) -> IndexModel {
    let mut options = IndexOptions::builder().name(name.to_owned()).build();
    options.partial_filter_expression = field.map(|field| doc! { field: { "$exists": true } });
    IndexModel::builder().keys(keys).options(options).build()
}
