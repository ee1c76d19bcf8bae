//! One event becomes a draft.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::MapAccess;

use super::properties::{GROUP_SET, PropertiesReader, SET, SET_ONCE, Said};
use crate::Timestamp;
use crate::dialect::batch::{Batch, Drafted};
use crate::dialect::parts::{Ending, Parts, Role};
use crate::dialect::values::{event_id, fields, first, id, is_some, likely_id, scalar, skip, time};
use crate::json::Scalar;
use crate::normalize::NO_TIME;
use crate::sending::Clocks;

/// Types of events that are left out, as they are sent.
pub type Unwanted = BTreeSet<Box<str>>;

/// What lies further ahead than this happened when it was received: its clock is broken,
/// and its sender cannot be told.
const MAX_AHEAD_MS: i64 = 23 * 60 * 60 * 1000;

/// The library whose `alias` names the id from before first.
const OTHER_WAY_ROUND: &str = "posthog-python";

/// What an event says beside what is in its payload.
#[derive(Default)]
pub struct Sent<'de> {
    event: Option<Scalar<'de>>,
    distinct_id: Option<Scalar<'de>>,
    uuid: Option<Scalar<'de>>,
    timestamp: Option<Scalar<'de>>,
    offset: Option<Scalar<'de>>,
    properties: Said<'de>,
    /// The properties are no object, but this.
    no_object: Option<&'static str>,
    /// It has traits and no name: a change of what is known of a user.
    is_change: bool,
}

impl<'de> Sent<'de> {
    /// Takes the value of one of its fields.
    pub fn take<A: MapAccess<'de>>(
        &mut self,
        key: &str,
        parts: &mut Parts<'_>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let slot = match key {
            "event" => &mut self.event,
            "distinct_id" | "$distinct_id" => &mut self.distinct_id,
            "uuid" => &mut self.uuid,
            "timestamp" => &mut self.timestamp,
            "offset" => &mut self.offset,
            "properties" => {
                let said = &mut self.properties;
                let wrong = fields(map, PropertiesReader { parts, said })?;
                self.no_object = self.no_object.or(wrong);
                return Ok(());
            }
            "$set" => {
                self.is_change = true;
                return parts.take_object(Role::Traits(SET), "traits", map);
            }
            "$set_once" => {
                self.is_change = true;
                return parts.take_object(Role::Traits(SET_ONCE), "traits", map);
            }
            _ => return skip(map),
        };
        *slot = Some(scalar(map)?);
        Ok(())
    }

    /// Adds it to the batch, or leaves it out of it.
    pub fn add_to(
        mut self,
        batch: &mut Batch<'_>,
        index: usize,
        unwanted: &Unwanted,
        mut parts: Parts<'_>,
    ) {
        if let Some(token) = &self.properties.token {
            batch.names_key(token);
        }
        let name = match self.event.take() {
            None | Some(Scalar::Null) if self.is_change => Cow::Borrowed("$set"),
            Some(Scalar::Text(name)) if !name.is_empty() => name,
            None | Some(Scalar::Null | Scalar::Text(_)) => {
                return batch.leave_out(index, "event", "is missing");
            }
            Some(_) => return batch.leave_out(index, "event", "must be a string"),
        };
        if unwanted.contains(&*name) {
            return batch.pass_over();
        }
        if let Some(kind) = self.no_object {
            return batch.leave_out(index, "properties", format!("must be an object, not {kind}"));
        }
        let Some(occurred_at) = self.occurred_at(batch.clocks) else {
            return batch.leave_out(index, "timestamp", NO_TIME);
        };
        let kind = kind_of(&name, &mut parts);
        let (user_id, anonymous_id) = self.who(&name, &parts);
        let account_id = if name == "$groupidentify" {
            likely_id(parts.property("$group_key"))
        } else {
            self.properties.group.take().map_or(Scalar::Null, likely_id)
        };
        let said = &self.properties;
        let marks = batch.marks(said.user_agent.as_deref(), said.address.as_deref());
        let is_too_large = parts.is_too_large();
        let payload = parts.finish(Ending {
            traits: if name == "$groupidentify" { &[GROUP_SET] } else { &[SET, SET_ONCE] },
            always_traits: kind_is_identify(&kind),
            dropped: if is_pair(&name) { &["alias"] } else { &[] },
            without_dollars: true,
            of_all: &[],
            marks,
        });
        let insert_id = self.properties.insert_id.take().unwrap_or(Scalar::Null);
        let values = [
            ("distinct_id", user_id),
            ("distinct_id", anonymous_id),
            ("event", kind),
            ("$session_id", likely(self.properties.session_id.take())),
            ("$groups", account_id),
            ("timestamp", occurred_at),
            ("uuid", first([event_id(self.uuid.unwrap_or(Scalar::Null)), event_id(insert_id)])),
        ];
        let clocks = Clocks::alike(batch.clocks.now);
        batch.add(index, Drafted { values, payload, is_too_large, clocks });
    }

    /// The user's id, and that from before.
    fn who(&mut self, name: &str, parts: &Parts<'_>) -> (Scalar<'de>, Scalar<'de>) {
        let said = &mut self.properties;
        let own = first([
            self.distinct_id.take().map_or(Scalar::Null, id),
            said.distinct_id.take().map_or(Scalar::Null, id),
        ]);
        // What says something of an account says nothing of a user, and its id is often made
        // up. A visitor's id is to be joined to a user's later, and so must not be called one.
        if name == "$groupidentify" || said.is_visitor && !is_pair(name) && name != "$identify" {
            return (Scalar::Null, own);
        }
        if is_pair(name) {
            let other = id(parts.property("alias"));
            return if names_user_second(&own, &other, said.lib.as_deref()) {
                (other, own)
            } else {
                (own, other)
            };
        }
        let before = if name == "$identify" { said.anonymous_id.take() } else { None };
        let device = likely(said.device_id.take());
        let before = first([likely(before), device]);
        if before == own && name != "$identify" {
            return (Scalar::Null, own);
        }
        (own, before)
    }

    /// When it happened by our clock; `None` where that cannot be read.
    fn occurred_at(&self, clocks: Clocks) -> Option<Scalar<'de>> {
        let now = clocks.now;
        let ours = |theirs: Timestamp| {
            if self.properties.ignores_sent_at { Some(theirs) } else { clocks.ours(theirs) }
        };
        let at = match (&self.timestamp, &self.offset) {
            (Some(sent), _) if is_some(sent) => ours(time(sent)?)?,
            (_, Some(Scalar::Integer(offset))) => now.plus_millis(offset.saturating_neg()),
            _ => return Some(Scalar::Null),
        };
        let latest = now.plus_millis(MAX_AHEAD_MS);
        Some(Scalar::Integer(if at > latest { now } else { at }.as_millis()))
    }
}

fn likely(value: Option<Scalar<'_>>) -> Scalar<'_> {
    value.map_or(Scalar::Null, likely_id)
}

/// Events that say that two ids are one user's.
fn is_pair(name: &str) -> bool {
    matches!(name, "$create_alias" | "$merge_dangerously")
}

/// Which of a pair is the user's. The pair has no direction, and SDKs send it both ways; a
/// link has one. An id that was made up for a device is a UUID, and a user's hardly ever: where
/// one of the two is, the other is the user's. Else the library decides.
fn names_user_second(own: &Scalar<'_>, other: &Scalar<'_>, lib: Option<&str>) -> bool {
    let is_uuid =
        |id: &Scalar<'_>| matches!(id, Scalar::Text(text) if uuid::Uuid::try_parse(text).is_ok());
    match (is_uuid(own), is_uuid(other)) {
        (true, false) => true,
        (false, true) => false,
        _ => lib == Some(OTHER_WAY_ROUND),
    }
}

/// The type of an event of this name, and in the payload the whole of a name that is cut.
fn kind_of<'de>(name: &Cow<'de, str>, parts: &mut Parts<'_>) -> Scalar<'de> {
    let known = match &**name {
        "$pageview" => "page_view",
        "$pageleave" => "page_leave",
        "$screen" => "screen_view",
        "$identify" | "$set" | "$set_once" => "identify",
        "$create_alias" | "$merge_dangerously" => "alias",
        "$groupidentify" => "group",
        "$exception" => "error",
        "$autocapture" => match parts.property("$event_type") {
            Scalar::Text(kind) if kind == "click" => "button_click",
            Scalar::Text(kind) if kind == "submit" => "form_submit",
            Scalar::Text(kind) if kind == "change" => "form_change",
            _ => "$autocapture",
        },
        _ => {
            return parts.type_of(name);
        }
    };
    Scalar::Text(Cow::Borrowed(known))
}

fn kind_is_identify(kind: &Scalar<'_>) -> bool {
    matches!(kind, Scalar::Text(kind) if kind == "identify")
}
