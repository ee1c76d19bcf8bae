//! The indexes that a collection has.

use bson::Document;
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::error::Error;

use crate::mongo::connection::Link;
use crate::mongo::errors::code_of;

/// There is no such collection.
pub const NAMESPACE_NOT_FOUND: i32 = 26;

/// A collection's indexes; none if there is no collection yet.
pub async fn existing(link: &Link, collection: &str) -> Result<Vec<IndexModel>, Error> {
    let collection = link.database().collection::<Document>(collection);
    match collection.list_indexes().await {
        Ok(indexes) => indexes.try_collect().await,
        Err(error) if code_of(&error) == Some(NAMESPACE_NOT_FOUND) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What an index is called; the server names all of them.
pub fn name_of(index: &IndexModel) -> Option<&str> {
    index.options.as_ref()?.name.as_deref()
}
