//! The collections of erasures, and the index of one.

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use crate::StoreError;
use crate::mongo::connection::Link;
use crate::mongo::indexes::{existing, settle};

/// One document an erasure.
pub const ERASURES: &str = "erasures";

/// One document a data folder.
pub const INSTANCES: &str = "instances";

/// One document an id that is blocked, which is its hash.
pub const BLOCKED: &str = "blockedIds";

/// Has one document, which has the key.
pub const INSTALLATION: &str = "installation";

/// What an erasure says of itself while it is under way. A partial index can be of the
/// documents that have a field, and not of those that have none.
pub const RUNNING: &str = "running";

/// Makes what is missing. Several instances may do it at once.
pub async fn prepare(link: &Link) -> Result<(), StoreError> {
    settle(|| try_make(link)).await
}

/// The collection that has an index, with that.
pub fn wanted() -> (&'static str, Vec<IndexModel>) {
    (ERASURES, vec![running_index()])
}

async fn try_make(link: &Link) -> Result<(), Error> {
    let index = running_index();
    if existing(link, ERASURES).await?.iter().any(|other| other.keys == index.keys) {
        return Ok(());
    }
    let erasures = link.database().collection::<Document>(ERASURES);
    erasures.create_index(index).await.map(|_| ())
}

/// Has those that are under way alone: mostly none.
fn running_index() -> IndexModel {
    let options = IndexOptions::builder()
        .name(RUNNING.to_owned())
        .partial_filter_expression(doc! { "state": RUNNING })
        .build();
    IndexModel::builder().keys(doc! { "state": 1, "requestedAt": 1 }).options(options).build()
}
