//! Accounts, counted by the server from one index.
//!
//! Measured on 6.0.5 with a million events of one account, 80,000 users among
//! them (2 shared cores; CPU of the server): one scan of the index into the
//! three branches of a `$facet` 1.5 s (1.3 s on the clock while the machine is
//! half busy); grouped by user and type first, then folded, 2.4 s; two scans,
//! by type and by user, 1.5 s, and their numbers may not go together. With a
//! million users, who do not fit into the memory of a `$group`, 7 to 10, 14 to
//! 25 and 12 s on the clock. Two branches group by user, which costs less than
//! any way of handing the groups on. A series makes it half as much again: 0.51 s
//! of CPU against 0.34, of 300,000 events with 20,000 users and ten types in a month.
//!
//! Reads follow the URI's read preference, the primary where it names none: a
//! summary is up to a minute old anyway, and `secondaryPreferred` keeps heavy
//! accounts away from the member that takes the events. What has to be exact
//! is read from the primary whatever the URI says.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bson::{Bson, DateTime, Document, doc};
use mongodb::error::Error;
use mongodb::options::Hint;
use trailkeep_event::Timestamp;

use super::account_events::Newest;
use super::errors::{code_of, store_error};
use super::indexes;
use super::store::MongoStore;
use crate::summaries::{
    AccountStore, Bucket, QueryError, Summary, SummaryRange, UserEvents, in_time,
};
use crate::{JourneyPart, Position, StoreError};

/// `MaxTimeMSExpired`.
const OUT_OF_TIME: i32 = 50;

#[async_trait]
impl AccountStore for MongoStore {
    async fn summary(&self, range: &SummaryRange, limit: Duration) -> Result<Summary, QueryError> {
        in_time(limit, self.counted(range, limit)).await
    }

    async fn account_ends(&self, limit: Duration) -> Result<Option<(String, String)>, QueryError> {
        in_time(limit, async {
            let any = doc! { "$gte": "" };
            let first = self.account(any.clone(), 1, limit).await?;
            let last = self.account(any, -1, limit).await?;
            Ok(first.zip(last))
        })
        .await
    }

    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        limit: Duration,
    ) -> Result<Vec<String>, QueryError> {
        in_time(limit, self.accounts_in_order(start, wanted, limit)).await
    }

    async fn events(
        &self,
        account_id: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<JourneyPart, StoreError> {
        self.read(async {
            let newest = Newest { account_id, after, timeout: self.settings.timeouts.read };
            newest.read(self.link().await?, limit).await
        })
        .await
    }
}

impl MongoStore {
    async fn counted(&self, range: &SummaryRange, limit: Duration) -> Result<Summary, QueryError> {
        let counted = self.one(range, counts(range), limit).await?;
        let summary = counted.map_or_else(Summary::default, |counted| summary_of(&counted, range));
        if summary.totals.len() <= range.max_types() {
            return Ok(summary);
        }
        let total = self.one(range, doc! { "$count": "events" }, limit).await?;
        let total = total.map_or(0, |total| count(&total, "events"));
        Ok(without_rare_types(summary, total))
    }

    async fn accounts_in_order(
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

    /// What a stage makes of the events of a range: one document, or none.
    async fn one(
        &self,
        range: &SummaryRange,
        stage: Document,
        limit: Duration,
    ) -> Result<Option<Document>, QueryError> {
        let fault = |error: Error| query_error(&error, limit);
        let link = self.link().await?;
        let mut cursor = link
            .events::<Document>()
            .aggregate([matching(range), stage])
            .hint(hint())
            .allow_disk_use(true)
            .max_time(limit)
            .await
            .map_err(fault)?;
        if cursor.advance().await.map_err(fault)? {
            cursor.deserialize_current().map(Some).map_err(fault)
        } else {
            Ok(None)
        }
    }

    /// The first account in a direction at a place in the index: one key of it,
    /// and no document.
    async fn account(
        &self,
        place: Document,
        direction: i32,
        limit: Duration,
    ) -> Result<Option<String>, QueryError> {
        let link = self.link().await?;
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

fn matching(range: &SummaryRange) -> Document {
    doc! { "$match": {
        "accountId": &range.account_id,
        "occurredAt": { "$gte": date(range.from), "$lte": date(range.to) },
    } }
}

/// Counts in one scan that the index covers. The total is the sum over the
/// types: asking for it as well would cost a quarter more.
fn counts(range: &SummaryRange) -> Document {
    let most_first = doc! { "$sort": { "events": -1, "_id": 1 } };
    let limit = |count: usize| doc! { "$limit": i64::try_from(count).unwrap_or(i64::MAX) };
    let by = |field: &str| doc! { "$group": { "_id": field, "events": { "$sum": 1 } } };
    let mut types = range.bucket.map_or_else(|| vec![by("$type")], by_type_and_time);
    // One more than is told apart tells that there are more.
    types.extend([most_first.clone(), limit(range.max_types() + 1)]);
    doc! { "$facet": {
        "types": types,
        "top": [by("$userId"), most_first, limit(range.top.max(1))],
        "users": [{ "$group": { "_id": "$userId" } }, { "$count": "users" }],
    } }
}

/// Groups of one type, each with its series: so that the types with most events are
/// told apart before the answer is made, which has 16 MiB at the most.
fn by_type_and_time(bucket: Bucket) -> Vec<Document> {
    let hours = match bucket {
        Bucket::Hour => 1,
        Bucket::Day => 24,
    };
    // They begin at a midnight. The unit `day` costs the server a quarter more.
    let cut = doc! { "date": "$occurredAt", "unit": "hour", "binSize": hours };
    let at = doc! { "$dateTrunc": cut };
    vec![
        doc! { "$group": {
            "_id": { "type": "$type", "at": at },
            "events": { "$sum": 1 },
        } },
        doc! { "$group": {
            "_id": "$_id.type",
            "events": { "$sum": "$events" },
            "series": { "$push": { "at": "$_id.at", "events": "$events" } },
        } },
    ]
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

/// With one type too many where there are more than are told apart.
fn summary_of(counted: &Document, range: &SummaryRange) -> Summary {
    let mut totals = BTreeMap::new();
    let mut series: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for group in groups(counted, "types") {
        *totals.entry(name_of(group)).or_default() += count(group, "events");
        for part in groups(group, "series") {
            let Ok(at) = part.get_datetime("at") else { continue };
            let bucket = series.entry(Timestamp::from_millis_clamped(at.timestamp_millis()));
            *bucket.or_default().entry(name_of(group)).or_default() += count(part, "events");
        }
    }
    let users = groups(counted, "users").next();
    Summary {
        total: totals.values().sum(),
        unique_users: users.map_or(0, |group| count(group, "users")),
        totals,
        series,
        top_users: groups(counted, "top")
            .take(range.top)
            .map(|group| UserEvents { user_id: name_of(group), events: count(group, "events") })
            .collect(),
    }
}

/// A summary of more types than are told apart, with its real total.
fn without_rare_types(mut summary: Summary, total: u64) -> Summary {
    let rarest = summary.totals.iter().max_by_key(|(kind, events)| (Reverse(**events), *kind));
    if let Some(rarest) = rarest.map(|(kind, _)| kind.clone()) {
        summary.totals.remove(&rarest);
        summary.series.retain(|_, totals| {
            totals.remove(&rarest);
            !totals.is_empty()
        });
    }
    Summary { total, ..summary }
}

fn groups<'a>(answer: &'a Document, branch: &str) -> impl Iterator<Item = &'a Document> {
    let groups = answer.get_array(branch).map(Vec::as_slice);
    groups.unwrap_or_default().iter().filter_map(Bson::as_document)
}

/// What another tool wrote may have no type, or one that is no text: taken as
/// the empty one, as in journeys.
fn name_of(group: &Document) -> String {
    group.get_str("_id").unwrap_or_default().to_owned()
}

/// The server counts in the smallest type that holds the number.
pub fn count(group: &Document, key: &str) -> u64 {
    match group.get(key) {
        Some(Bson::Int32(number)) => u64::try_from(*number).unwrap_or_default(),
        Some(Bson::Int64(number)) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}
