//! Who may post events, and how often. Decided by a request's head alone; of what other
//! collectors' SDKs send, by the body's key where the head has none.

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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

/// What a request's head says of whether its sender may post.
#[derive(Debug)]
pub enum ByHead {
    /// They may; with which write key, by its name, where one is needed.
    May(Option<Arc<str>>),
    /// A write key is needed, and the head has none: the body may have one, which a page of
    /// this origin sends.
    NeedsKey {
        /// `None` for what is no page.
        origin: Option<HeaderValue>,
    },
}

/// Where a write key may be in a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// Where `POST /events` takes it.
    Ours,
    /// There, and as the name of HTTP Basic.
    OrBasic,
}

/// Whether the sender may post, and may post now; with which write key, by its
/// name, where one is needed. The shell needs none.
pub fn may_write(
    service: &Service,
    terms: &Terms,
    head: &Parts,
) -> Result<Option<Arc<str>>, MayNot> {
    match by_head(service, terms, head, Places::Ours)? {
        ByHead::May(key) => Ok(key),
        ByHead::NeedsKey { .. } => Err(MayNot::WithoutKey),
    }
}

/// The same where the body may have the key.
pub fn by_head(
    service: &Service,
    terms: &Terms,
    head: &Parts,
    places: Places,
) -> Result<ByHead, MayNot> {
    let Terms { limits: limited, write_keys: of_settings, .. } = terms;
    if Peer::of(&head.extensions).is_shell() {
        return Ok(ByHead::May(None));
    }
    if let Some(limit) = &limited.events_by_client
        && let Client(Some(client)) = Client::of(head, service)
    {
        limits::check(Some(limit), &limits::network(client)).map_err(MayNot::SoOften)?;
    }
    match service.access.write_keys.rule(of_settings) {
        Rule::Open => return Ok(ByHead::May(None)),
        Rule::Required => {}
        Rule::Unknown => return Err(MayNot::NotKnownYet),
    }
    let origin = head.headers.get(header::ORIGIN);
    let sent = sent_key(head).or_else(|| match places {
        Places::Ours => None,
        Places::OrBasic => basic_name(head).map(Cow::from),
    });
    match sent {
        Some(key) => by_key(service, terms, &key, origin).map(|key| ByHead::May(Some(key))),
        // A copy: a part of the head keeps the buffer that it came in.
        None => {
            let copy = |origin: &HeaderValue| HeaderValue::from_bytes(origin.as_bytes()).ok();
            Ok(ByHead::NeedsKey { origin: origin.and_then(copy) })
        }
    }
}

/// Whether whoever sends this write key may post, and may post now: its name.
pub fn by_key(
    service: &Service,
    terms: &Terms,
    key: &str,
    origin: Option<&HeaderValue>,
) -> Result<Arc<str>, MayNot> {
    let Terms { limits: limited, write_keys: of_settings, .. } = terms;
    let origin = origin.map(|origin| origin.as_bytes());
    let key = service.access.write_keys.admit(of_settings, key, origin)?;
    limits::check(limited.events_by_key.as_deref(), &key).map_err(MayNot::SoOften)?;
    Ok(key)
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

/// The name of HTTP Basic (RFC 7617), whose password is not looked at.
fn basic_name(head: &Parts) -> Option<String> {
    let sent = head.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = sent.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let name = decoded.split(':').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}
