//! What is answered about accounts, in both spellings.

use std::collections::BTreeMap;

use serde::Serialize;
use trailkeep_store::summaries::UserEvents;
use utoipa::ToSchema;

use crate::summaries::{Counted, all_buckets};

/// The events of an account in a time, counted.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AccountSummary)]
pub enum SummaryBody<'a> {
    /// As everything else is spelled.
    Camel(CamelSummary<'a>),
    /// With `case=snake`.
    Snake(SnakeSummary<'a>),
}

/// In camel case.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountSummaryCamel)]
pub struct CamelSummary<'a> {
    account_id: &'a str,
    /// `last_24h`, `last_7d`, or `custom` where `from` and `to` were given.
    window: &'static str,
    /// Events that occurred before this are not counted.
    #[schema(format = DateTime)]
    from: String,
    /// Events that occurred after this are not counted.
    #[schema(format = DateTime)]
    to: String,
    /// All events.
    total: u64,
    /// Events by type; where there are more than 1,000 types, those with most
    /// events. With `bucket` it is 100 types.
    totals: &'a BTreeMap<String, u64>,
    /// The users with most events; of the same number, by their ids.
    top_users: Vec<CamelUser<'a>>,
    /// Users with at least one event.
    unique_users: u64,
    /// With `bucket`: every hour or day that the time touches, in order. Their totals
    /// add up to `totals`.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Vec<BucketBody<'a>>>,
    /// When it was counted.
    #[schema(format = DateTime)]
    computed_at: String,
}

/// A user in camel case.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountUserCamel)]
pub struct CamelUser<'a> {
    user_id: &'a str,
    events: u64,
}

/// In snake case, with the same fields.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountSummarySnake)]
pub struct SnakeSummary<'a> {
    account_id: &'a str,
    window: &'static str,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    total: u64,
    totals: &'a BTreeMap<String, u64>,
    top_users: Vec<SnakeUser<'a>>,
    unique_users: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Vec<BucketBody<'a>>>,
    #[schema(format = DateTime)]
    computed_at: String,
}

/// A user in snake case.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountUserSnake)]
pub struct SnakeUser<'a> {
    user_id: &'a str,
    events: u64,
}

/// An hour or a day, the same in both spellings.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountBucket)]
pub struct BucketBody<'a> {
    /// Its first moment, in UTC.
    #[schema(format = DateTime)]
    at: String,
    /// Its events by type.
    totals: &'a BTreeMap<String, u64>,
}

/// Accounts that have events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountSample)]
pub struct SampleBody {
    #[schema(example = json!(["acme", "globex"]))]
    pub account_ids: Vec<String>,
}

/// How the fields of a summary are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Camel,
    Snake,
}

impl<'a> SummaryBody<'a> {
    pub fn new(counted: &'a Counted, case: Case) -> Self {
        let account_id = counted.question.account_id.as_str();
        let window = counted.question.window.name();
        let (from, to) = (counted.from.to_string(), counted.to.to_string());
        let computed_at = counted.computed_at.to_string();
        let summary = &counted.summary;
        let (total, totals) = (summary.total, &summary.totals);
        let unique_users = summary.unique_users;
        let series = series(counted);
        match case {
            Case::Camel => Self::Camel(CamelSummary {
                account_id,
                window,
                from,
                to,
                total,
                totals,
                top_users: summary.top_users.iter().map(CamelUser::from).collect(),
                unique_users,
                series,
                computed_at,
            }),
            Case::Snake => Self::Snake(SnakeSummary {
                account_id,
                window,
                from,
                to,
                total,
                totals,
                top_users: summary.top_users.iter().map(SnakeUser::from).collect(),
                unique_users,
                series,
                computed_at,
            }),
        }
    }
}

fn series(counted: &Counted) -> Option<Vec<BucketBody<'_>>> {
    let bucket = counted.question.bucket?;
    let all = all_buckets(bucket, counted.from, counted.to, &counted.summary.series);
    Some(all.map(|(at, totals)| BucketBody { at: at.to_string(), totals }).collect())
}

impl<'a> From<&'a UserEvents> for CamelUser<'a> {
    fn from(user: &'a UserEvents) -> Self {
        let UserEvents { user_id, events } = user;
        Self { user_id, events: *events }
    }
}

impl<'a> From<&'a UserEvents> for SnakeUser<'a> {
    fn from(user: &'a UserEvents) -> Self {
        let UserEvents { user_id, events } = user;
        Self { user_id, events: *events }
    }
}
