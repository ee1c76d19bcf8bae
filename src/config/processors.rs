//! Whom events are sent to: `[processors.default]` and its like.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde::{Deserialize, Deserializer};

use super::catalog::{Catalog, join};
use super::fields;
use super::headers;
use super::named;
use super::processor_url::ProcessorUrl;
use super::reader::Reader;
use super::webhook_secret::WebhookSecret;

/// Each keeps connections, memory and a collection; nobody has that many services
/// that need the same events.
const MOST: usize = 32;

/// What the other fields of an event are called.
const OTHER_FIELDS: [&str; 6] =
    ["eventId", "anonymousId", "sessionId", "accountId", "type", "receivedAt"];

/// An endpoint that is sent events.
#[derive(Debug, Clone, PartialEq)]
pub struct Processor {
    /// Where events are posted to.
    pub url: ProcessorUrl,
    /// The types that it is sent, none twice; empty for all.
    pub types: Vec<String>,
    /// Requests in flight at once.
    pub concurrency: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// Attempts after which an event becomes a dead letter.
    pub max_attempts: u32,
    /// The longest that the pause before the second attempt may be.
    pub backoff_min: Duration,
    /// The longest that any pause may be; not less than `backoff_min`.
    pub backoff_max: Duration,
    /// What requests are signed with, one signature each; empty signs nothing.
    pub secrets: Vec<WebhookSecret>,
    /// Headers that each request has, marked as sensitive; none of our own.
    pub headers: HeaderMap,
    /// Certificates of authorities that are trusted besides those that browsers trust.
    pub authorities_file: Option<PathBuf>,
    /// Whether a user waits for a person behind a dead letter.
    pub holds: bool,
    /// Requests that are begun in a second at the most; `None` for any number.
    pub rate_per_second: Option<u32>,
    /// From when on a new processor wants events.
    pub from: From,
    /// How it knows some fields of an event.
    pub fields: FieldNames,
}

/// From when on a processor that nobody knew wants events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// What is accepted from its first start on.
    Now,
    /// All that is stored too.
    Beginning,
    /// What was received then or later.
    Moment(DateTime<Utc>),
}

/// What the fields that may be renamed are called; no two the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// `userId`.
    pub user: String,
    /// `payload`.
    pub payload: String,
    /// `occurredAt`.
    pub time: String,
}

/// A section as it is written, with a URL or without.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    #[serde(deserialize_with = "url")]
    url: Option<ProcessorUrl>,
    #[serde(deserialize_with = "fields::event_types")]
    types: Vec<String>,
    concurrency: usize,
    #[serde(rename = "timeout_ms", deserialize_with = "fields::milliseconds")]
    timeout: Duration,
    max_attempts: u32,
    #[serde(rename = "backoff_min_ms", deserialize_with = "fields::milliseconds")]
    backoff_min: Duration,
    #[serde(rename = "backoff_max_ms", deserialize_with = "fields::milliseconds")]
    backoff_max: Duration,
    #[serde(deserialize_with = "secrets")]
    secrets: Vec<WebhookSecret>,
    #[serde(deserialize_with = "header_map")]
    headers: HeaderMap,
    #[serde(deserialize_with = "authorities_file")]
    authorities_file: Option<PathBuf>,
    #[serde(rename = "after_dead_letter", deserialize_with = "is_hold")]
    holds: bool,
    rate_per_second: u32,
    #[serde(deserialize_with = "from")]
    from: From,
    #[serde(deserialize_with = "field_name")]
    user_field: String,
    #[serde(deserialize_with = "field_name")]
    payload_field: String,
    #[serde(deserialize_with = "field_name")]
    time_field: String,
}

impl Section {
    fn processor(self) -> Option<Processor> {
        Some(Processor {
            url: self.url?,
            types: self.types,
            concurrency: self.concurrency,
            timeout: self.timeout,
            max_attempts: self.max_attempts,
            backoff_min: self.backoff_min,
            backoff_max: self.backoff_max,
            secrets: self.secrets,
            headers: self.headers,
            authorities_file: self.authorities_file,
            holds: self.holds,
            rate_per_second: (self.rate_per_second > 0).then_some(self.rate_per_second),
            from: self.from,
            fields: FieldNames {
                user: self.user_field,
                payload: self.payload_field,
                time: self.time_field,
            },
        })
    }
}

/// Reads all sections, and keeps those that have a URL.
pub fn with_url<'de, D: Deserializer<'de>>(
    value: D,
) -> Result<BTreeMap<String, Processor>, D::Error> {
    let sections = BTreeMap::<String, Section>::deserialize(value)?;
    let processors = sections.into_iter().map(|(name, section)| Some((name, section.processor()?)));
    Ok(processors.flatten().collect())
}

fn url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<ProcessorUrl>, D::Error> {
    fields::parsed(value, |text: String| match text.as_str() {
        "" => Ok(None),
        url => ProcessorUrl::parse(url).map(Some),
    })
}

fn secrets<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<WebhookSecret>, D::Error> {
    fields::parsed(value, |items: Vec<String>| WebhookSecret::parse_all(&items))
}

fn header_map<'de, D: Deserializer<'de>>(value: D) -> Result<HeaderMap, D::Error> {
    fields::parsed(value, |items: Vec<String>| headers::parse_all(&items))
}

fn authorities_file<'de, D: Deserializer<'de>>(value: D) -> Result<Option<PathBuf>, D::Error> {
    String::deserialize(value).map(|path| (!path.is_empty()).then(|| PathBuf::from(path)))
}

fn is_hold<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    String::deserialize(value).map(|word| word == "hold")
}

fn from<'de, D: Deserializer<'de>>(value: D) -> Result<From, D::Error> {
    fields::parsed(value, |text: String| match text.as_str() {
        "now" => Ok(From::Now),
        "beginning" => Ok(From::Beginning),
        moment => DateTime::parse_from_rfc3339(moment)
            .map(|moment| From::Moment(moment.to_utc()))
            .map_err(|_| {
                "must be \"now\", \"beginning\" or a time such as \"2026-01-31T00:00:00Z\""
                    .to_owned()
            }),
    })
}

fn field_name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    fields::parsed(value, |name: String| {
        let is_name =
            (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !is_name {
            return Err("must be 1 to 64 characters, none of them a control character".to_owned());
        }
        if OTHER_FIELDS.contains(&name.as_str()) {
            let taken = OTHER_FIELDS.join(", ");
            return Err(format!("must not be the name of another field of an event: {taken}"));
        }
        Ok(name)
    })
}

/// The rules between the settings of a section, whether it has a URL or not, and the
/// number of processors.
pub fn check_together(
    processors: &BTreeMap<String, Processor>,
    catalog: &Catalog,
    reader: &mut Reader<'_>,
) {
    const ONE_FIELD: &str = "or the body could not hold both";
    for section in sections(catalog) {
        let path = |key| join(section, key);
        let (user, payload, time) = (path("user_field"), path("payload_field"), path("time_field"));
        reader.at_least(
            &path("backoff_max_ms"),
            &path("backoff_min_ms"),
            "or the first pause would be longer than the longest",
        );
        reader.differ(&payload, &user, ONE_FIELD);
        reader.differ(&time, &user, ONE_FIELD);
        reader.differ(&time, &payload, ONE_FIELD);
    }
    if let Some(name) = processors.keys().nth(MOST) {
        let url = join(&join(named::SECTION, name), "url");
        let number = processors.len();
        let rule = format!("must be one of at most {MOST} processors, and there are {number}");
        reader.require(&url, &url, false, &rule);
    }
}

fn sections(catalog: &Catalog) -> impl Iterator<Item = &str> {
    let paths = catalog.settings().map(|setting| setting.path.as_str());
    paths.filter(|path| named::is_below(path)).filter_map(|path| path.strip_suffix(".url"))
}
