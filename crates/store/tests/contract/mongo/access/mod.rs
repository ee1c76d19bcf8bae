//! Staff accounts and what belongs to them, as a MongoDB keeps them.

mod documents;
mod faults;
mod indexes;
mod instances;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;

use crate::homes::MongoPlace;

/// All documents of a collection, in the order of the collection.
async fn documents(place: &MongoPlace, collection: &str) -> Vec<Document> {
    let collection = place.database().collection(collection);
    let found = collection.find(doc! {}).await.unwrap();
    found.try_collect().await.unwrap()
}
