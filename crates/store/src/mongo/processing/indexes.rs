//! What is made with a name, and kept as the settings want it.

use bson::doc;
use mongodb::IndexModel;
use mongodb::error::Error;
use mongodb::options::IndexOptions;

use super::commands::COMMANDS;
use super::feed::feed_of;
use super::outcomes::{OUTCOMES, failed_keys, outcomes_of, processor_of};
use crate::mongo::causal::Call;
use crate::mongo::connection::Link;
use crate::mongo::errors::store_error;
use crate::mongo::indexes::{existing, settle};
use crate::mongo::layout::is_mongos;
use crate::mongo::retention::{self, keep_for};
use crate::{Retention, StoreError};

/// The index that counts and lists what failed. Only that is in it.
const FAILED: &str = "failed";

/// The index that lists the commands of a processor, oldest first.
const OF_PROCESSOR: &str = "of_processor";

/// Brings the indexes of all outcomes in line with the settings, those of processors
/// that were removed included. Several instances may do it at once.
pub async fn prepare(link: &Link, retention: &Retention) -> Result<(), StoreError> {
    for collection in outcome_collections(link).await.map_err(|error| store_error(&error))? {
        settle(|| try_make(link, &collection, retention)).await?;
    }
    Ok(())
}

/// Makes what the outcomes of a processor need. A feed needs nothing but not to be
/// sharded.
pub async fn make(call: &Call<'_>, name: &str, retention: &Retention) -> Result<(), StoreError> {
    let link = call.link();
    refuse_sharded(link, &feed_of(name)).await?;
    let collection = outcomes_of(name);
    settle(|| try_make(link, &collection, retention)).await
}

/// Makes what commands need, before the first one of any processor.
pub async fn make_for_commands(call: &Call<'_>) -> Result<(), StoreError> {
    settle(|| make_one(call.link(), COMMANDS, command_index())).await.map(|_| ())
}

/// The collections of outcomes that there are, of processors that were removed too.
pub async fn outcome_collections(link: &Link) -> Result<Vec<String>, Error> {
    let names = doc! { "name": { "$regex": format!("^{OUTCOMES}(\\.|$)") } };
    link.database().list_collection_names().filter(names).await
}

/// Whose outcomes there may be, those of processors that were removed included, in order.
pub async fn processors_with_outcomes(link: &Link) -> Result<Vec<Box<str>>, StoreError> {
    let collections = outcome_collections(link).await.map_err(|error| store_error(&error))?;
    let names = collections.iter().filter_map(|collection| processor_of(collection));
    let mut names: Vec<Box<str>> = names.map(Box::from).collect();
    names.sort_unstable();
    Ok(names)
}

/// The collections of processing that there are and have indexes, with these. What is
/// not there yet is made when it is needed.
pub async fn wanted(
    link: &Link,
    retention: &Retention,
) -> Result<Vec<(String, Vec<IndexModel>)>, Error> {
    let retention = retention::wanted(&retention.of_outcomes());
    let of_outcomes: Vec<_> = [failed_index()].into_iter().chain(retention).collect();
    let outcomes = outcome_collections(link).await?;
    let outcomes = outcomes.into_iter().map(|name| (name, of_outcomes.clone()));
    let commands = link.database().list_collection_names().filter(doc! { "name": COMMANDS });
    let commands = commands.await?.into_iter().map(|name| (name, vec![command_index()]));
    Ok(outcomes.chain(commands).collect())
}

async fn try_make(link: &Link, collection: &str, retention: &Retention) -> Result<(), Error> {
    let there = make_one(link, collection, failed_index()).await?;
    keep_for(link, collection, &there, &retention.of_outcomes()).await
}

/// Makes an index where none has its keys; answers which there were.
async fn make_one(
    link: &Link,
    collection: &str,
    index: IndexModel,
) -> Result<Vec<IndexModel>, Error> {
    let there = existing(link, collection).await?;
    if !there.iter().any(|other| other.keys == index.keys) {
        link.database().collection::<bson::Document>(collection).create_index(index).await?;
    }
    Ok(there)
}

fn failed_index() -> IndexModel {
    let options = IndexOptions::builder()
        .name(FAILED.to_owned())
        .partial_filter_expression(doc! { "state": "failed" })
        .build();
    IndexModel::builder().keys(failed_keys()).options(options).build()
}

fn command_index() -> IndexModel {
    let options = IndexOptions::builder().name(OF_PROCESSOR.to_owned()).build();
    let keys = doc! { "processor": 1, "madeAt": 1, "_id": 1 };
    IndexModel::builder().keys(keys).options(options).build()
}

/// Who reads a feed relies on finding a process's documents without a gap. Reads of
/// several shards are of several moments.
async fn refuse_sharded(link: &Link, collection: &str) -> Result<(), StoreError> {
    let ask = async |command| link.database().run_command(command).await;
    let hello = ask(doc! { "hello": 1 }).await.map_err(|error| store_error(&error))?;
    if !is_mongos(&hello) {
        return Ok(());
    }
    let stats = ask(doc! { "collStats": collection }).await.map_err(|error| store_error(&error))?;
    if stats.get_bool("sharded").unwrap_or_default() {
        return Err(StoreError::Denied(format!(
            "the collection {collection} is sharded, and a feed must not be: with all instances \
             stopped, unshard it (sh.unshardCollection from MongoDB 8.0 on; before, copy it away, \
             drop it and copy it back)"
        )));
    }
    Ok(())
}
