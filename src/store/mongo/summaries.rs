//! Accounts, counted by the server from one index.
//!
//! Measured on 6.0.5 with a million events of one account, 80,000 users among
//! them (2 shared and busy cores; compare the ratios): one scan of the index
//! into the three branches of a `$facet` 1.3 s; grouped by user and type
//! first, then folded, 1.7 to 3.8 s; two scans, by type and by user, 1.5 s.
//! With a million users, who do not fit into the memory of a `$group`, 7 to 10,
//! 14 to 25 and 12 s. The branches that group by user do it twice, which costs
//! less than any way of handing groups on.
//!
//! Reads follow the URI's read preference, the primary where it names none: a
//! summary is up to a minute old anyway, and `secondaryPreferred` keeps heavy
//! accounts away from the member that takes the events. What has to be exact
//! is read from the primary whatever the URI says.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bson::{Bson, DateTime, Document, doc};
use mongodb::error::Error;
use mongodb::options::Hint;

use super::errors::{code_of, store_error};
use super::{MongoStore, indexes};
use crate::event::Timestamp;
use crate::store::summaries::{
    AccountStore, MAX_TYPES, QueryError, Summary, SummaryRange, UserEvents,
};

/// `MaxTimeMSExpired`.
const OUT_OF_TIME: i32 = 50;

#[async_trait]
impl AccountStore for MongoStore {
    async fn summary(&self, range: &SummaryRange, limit: Duration) -> Result<Summary, QueryError> {
        let fault = |error: Error| query_error(&error, limit);
        let link = self.connection.link().await?;
        let mut cursor = link
            .events::<Document>()
            .aggregate(pipeline(range))
            .hint(hint())
            .allow_disk_use(true)
            .max_time(limit)
            .await
            .map_err(fault)?;
        if !cursor.advance().await.map_err(fault)? {
            return Ok(Summary::default());
        }
        Ok(summary_of(
            &cursor.deserialize_current().map_err(fault)?,
            range.top,
        ))
    }

    async fn account_ends(&self, limit: Duration) -> Result<Option<(String, String)>, QueryError> {
        let any = doc! { "$gte": "" };
        let first = self.account(any.clone(), 1, limit).await?;
        let last = self.account(any, -1, limit).await?;
        Ok(first.zip(last))
    }

    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        limit: Duration,
    ) -> Result<Vec<String>, QueryError> {
        let mut accounts: Vec<String> = Vec::with_capacity(wanted);
        while accounts.len() < wanted {
            let place = match accounts.last() {
                Some(last) => doc! { "$gt": last },
                None => doc! { "$gte": start },
            };
            match self.account(place, 1, limit).await? {
                Some(account) => accounts.push(account),
                None => break,
            }
        }
        Ok(accounts)
    }
}

impl MongoStore {
    /// The first account in a direction at a place in the index: one key of it,
    /// and no document.
    async fn account(
        &self,
        place: Document,
        direction: i32,
        limit: Duration,
    ) -> Result<Option<String>, QueryError> {
        let link = self.connection.link().await?;
        let found = link
            .events::<Document>()
            .find_one(doc! { "accountId": place })
            .projection(doc! { "_id": 0, "accountId": 1 })
            .sort(doc! { "accountId": direction })
            .hint(hint())
            .max_time(limit)
            .await
            .map_err(|error| query_error(&error, limit))?;
        Ok(found.and_then(|found| found.get_str("accountId").ok().map(str::to_owned)))
    }
}

/// Without the index a query fails, where it would read the whole collection.
fn hint() -> Hint {
    Hint::Keys(indexes::account_keys())
}

fn query_error(error: &Error, limit: Duration) -> QueryError {
    if code_of(error) == Some(OUT_OF_TIME) {
        QueryError::OutOfTime(limit)
    } else {
        QueryError::Store(store_error(error))
    }
}

/// Counts in one scan that the index covers.
fn pipeline(range: &SummaryRange) -> Vec<Document> {
    let most_first = doc! { "$sort": { "events": -1, "_id": 1 } };
    let limit = |count: usize| doc! { "$limit": i64::try_from(count).unwrap_or(i64::MAX) };
    let by_user = doc! { "$group": { "_id": "$userId", "events": { "$sum": 1 } } };
    let by_type = doc! { "$group": { "_id": "$type", "events": { "$sum": 1 } } };
    let all = doc! { "$group": {
        "_id": null, "users": { "$sum": 1 }, "events": { "$sum": "$events" },
    } };
    vec![
        doc! { "$match": {
            "accountId": &range.account_id,
            "occurredAt": { "$gte": date(range.from), "$lte": date(range.to) },
        } },
        doc! { "$facet": {
            "types": [by_type, most_first.clone(), limit(MAX_TYPES)],
            "top": [by_user.clone(), most_first, limit(range.top.max(1))],
            "all": [by_user, all],
        } },
    ]
}

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn summary_of(answer: &Document, top: usize) -> Summary {
    let mut totals = BTreeMap::new();
    for group in groups(answer, "types") {
        *totals.entry(name_of(group)).or_default() += count(group, "events");
    }
    let all = groups(answer, "all").next();
    let of_all = |key| all.map_or(0, |group| count(group, key));
    Summary {
        total: of_all("events"),
        unique_users: of_all("users"),
        totals,
        top_users: groups(answer, "top")
            .take(top)
            .map(|group| UserEvents {
                user_id: name_of(group),
                events: count(group, "events"),
            })
            .collect(),
    }
}

fn groups<'a>(answer: &'a Document, branch: &str) -> impl Iterator<Item = &'a Document> {
    let groups = answer.get_array(branch).map(Vec::as_slice);
    groups
        .unwrap_or_default()
        .iter()
        .filter_map(Bson::as_document)
}

/// What another tool wrote may have no type, or one that is no text: taken as
/// the empty one, as in journeys.
fn name_of(group: &Document) -> String {
    group.get_str("_id").unwrap_or_default().to_owned()
}

/// The server counts in the smallest type that holds the number.
fn count(group: &Document, key: &str) -> u64 {
    match group.get(key) {
        Some(Bson::Int32(number)) => u64::try_from(*number).unwrap_or_default(),
        Some(Bson::Int64(number)) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}
