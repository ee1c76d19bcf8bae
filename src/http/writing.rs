//! Who may post events, and how often. Decided by a request's head alone.

use std::sync::Arc;

use axum::http::HeaderName;
use axum::http::request::Parts;

use super::peer::{Client, Peer};
use super::problem::Problem;
use super::sessions::bearer;
use super::state::Service;
use crate::access::{AccessError, limits};
use crate::monitoring::statistics::RefusedBecause;

/// The header that may carry a write key.
pub const WRITE_KEY: HeaderName = HeaderName::from_static("x-write-key");

/// Why events are not taken from somebody.
#[derive(Debug)]
pub enum MayNot {
    /// Write keys are configured, and none of them was sent.
    WithoutKey,
    /// Over the configured rate.
    SoOften(AccessError),
}

impl From<MayNot> for (RefusedBecause, Problem) {
    fn from(refusal: MayNot) -> Self {
        match refusal {
            MayNot::WithoutKey => (RefusedBecause::Unauthorized, Problem::write_key_required()),
            MayNot::SoOften(error) => (RefusedBecause::TooOften, error.into()),
        }
    }
}

/// Whether the sender may post, and may post now; with which write key, by its
/// name, where one is needed. The shell needs none.
pub fn may_write(service: &Service, head: &Parts) -> Result<Option<Arc<str>>, MayNot> {
    let access = &service.access;
    if Peer::of(&head.extensions).is_shell() {
        return Ok(None);
    }
    if let Some(limit) = &access.limits.events_by_client
        && let Client(Some(client)) = Client::of(head, service)
    {
        limits::check(Some(limit), &limits::network(client)).map_err(MayNot::SoOften)?;
    }
    if !access.write_keys.is_required() {
        return Ok(None);
    }
    let sent = sent_key(head);
    let key = sent.and_then(|key| access.write_keys.name_of(&key));
    let key = key.ok_or(MayNot::WithoutKey)?;
    limits::check(access.limits.events_by_key.as_ref(), &key).map_err(MayNot::SoOften)?;
    Ok(Some(key))
}

/// The key, as a bearer, in a header of its own, or, for beacons, which have
/// no headers, in the query.
fn sent_key(head: &Parts) -> Option<String> {
    if let Some(bearer) = bearer(&head.headers) {
        return Some(bearer.to_owned());
    }
    if let Some(header) = head.headers.get(WRITE_KEY) {
        return header.to_str().ok().map(str::to_owned);
    }
    form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "writeKey")
        .map(|(_, key)| key.into_owned())
}
