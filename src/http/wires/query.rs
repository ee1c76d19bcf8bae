//! What an SDK says in the query of an address. What is not known is let pass.

use std::borrow::Cow;

use trailkeep_event::Timestamp;

/// The first value of a parameter.
pub fn value<'q>(query: Option<&'q str>, name: &str) -> Option<Cow<'q, str>> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}

/// When a request was sent, in milliseconds since the epoch, as PostHog's SDK for browsers
/// says it against caches.
pub fn sent_at(query: Option<&str>) -> Option<Timestamp> {
    Timestamp::from_millis(value(query, "_")?.parse().ok()?)
}
