//! Who may post events, and how often. Decided by a request's head alone.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderName, header};

use super::peer::{Client, Peer};
use super::problem::Problem;
use super::sessions::bearer;
use super::state::Service;
use super::terms::Terms;
use crate::access::write_keys::{NotTaken, Rule};
use crate::access::{AccessError, limits};
use crate::monitoring::statistics::RefusedBecause;

/// The header that may carry a write key.
pub const WRITE_KEY: HeaderName = HeaderName::from_static("x-write-key");

/// Why events are not taken from somebody.
#[derive(Debug)]
pub enum MayNot {
    /// There are write keys, and none of them was sent.
    WithoutKey,
    /// The write key is not for pages of the origin that sent it.
    OtherOrigin,
    /// Which write keys there are, or whether there are any, is not known yet.
    NotKnownYet,
    /// Over the configured rate.
    SoOften(AccessError),
}

impl From<NotTaken> for MayNot {
    fn from(reason: NotTaken) -> Self {
        match reason {
            NotTaken::Unknown => Self::WithoutKey,
            NotTaken::OtherOrigin => Self::OtherOrigin,
            NotTaken::NotKnownYet => Self::NotKnownYet,
        }
    }
}

impl From<MayNot> for (RefusedBecause, Problem) {
    fn from(refusal: MayNot) -> Self {
        match refusal {
            MayNot::WithoutKey => (RefusedBecause::Unauthorized, Problem::write_key_required()),
            MayNot::OtherOrigin => (RefusedBecause::OtherOrigin, Problem::origin_not_allowed()),
            MayNot::NotKnownYet => (RefusedBecause::Starting, Problem::starting()),
            MayNot::SoOften(error) => (RefusedBecause::TooOften, error.into()),
        }
    }
}

/// Whether the sender may post, and may post now; with which write key, by its
/// name, where one is needed. The shell needs none.
pub fn may_write(
    service: &Service,
    terms: &Terms,
    head: &Parts,
) -> Result<Option<Arc<str>>, MayNot> {
    let Terms { limits: limited, write_keys: of_settings, .. } = terms;
    let write_keys = &service.access.write_keys;
    if Peer::of(&head.extensions).is_shell() {
        return Ok(None);
    }
    if let Some(limit) = &limited.events_by_client
        && let Client(Some(client)) = Client::of(head, service)
    {
        limits::check(Some(limit), &limits::network(client)).map_err(MayNot::SoOften)?;
    }
    match write_keys.rule(of_settings) {
        Rule::Open => return Ok(None),
        Rule::Required => {}
        Rule::Unknown => return Err(MayNot::NotKnownYet),
    }
    let sent = sent_key(head).ok_or(MayNot::WithoutKey)?;
    let origin = head.headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
    let key = write_keys.admit(of_settings, &sent, origin)?;
    limits::check(limited.events_by_key.as_deref(), &key).map_err(MayNot::SoOften)?;
    Ok(Some(key))
}

/// The key, as a bearer, in a header of its own, or, for beacons, which have
/// no headers, in the query.
fn sent_key(head: &Parts) -> Option<Cow<'_, str>> {
    if let Some(bearer) = bearer(&head.headers) {
        return Some(bearer.into());
    }
    if let Some(header) = head.headers.get(WRITE_KEY) {
        return header.to_str().ok().map(Cow::from);
    }
    form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "writeKey")
        .map(|(_, key)| key)
}
