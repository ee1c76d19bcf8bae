//! One call becomes a draft.

use std::borrow::Cow;

use serde::de::MapAccess;

use super::context::{self, Context, ContextReader, Said};
use crate::dialect::batch::{Batch, Drafted};
use crate::dialect::parts::{Ending, Parts, Role};
use crate::dialect::values::{
    ReadFields, event_id, fields, first, id, is_some, likely_id, scalar, skip, time,
};
use crate::json::{Key, Scalar};
use crate::normalize::NO_TIME;
use crate::sending::Clocks;

/// The number under which the traits of a call are.
const TRAITS: u8 = 0;

/// What a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Something happened.
    Track,
    /// Who the user is.
    Identify,
    /// A page was viewed.
    Page,
    /// A screen of an app was viewed.
    Screen,
    /// The user belongs to an account.
    Group,
    /// A user was known under another id.
    Alias,
    /// Several ids are one user's.
    Merge,
}

impl Call {
    /// The call of this name.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "track" => Self::Track,
            "identify" => Self::Identify,
            "page" => Self::Page,
            "screen" => Self::Screen,
            "group" => Self::Group,
            "alias" => Self::Alias,
            "merge" => Self::Merge,
            _ => return None,
        })
    }

    /// The call at the end of an address, which has short forms.
    pub fn at(end: &str) -> Option<Self> {
        Some(match end {
            "t" => Self::Track,
            "i" => Self::Identify,
            "p" => Self::Page,
            "s" => Self::Screen,
            "g" => Self::Group,
            "a" => Self::Alias,
            name => return Self::of(name),
        })
    }

    /// The type of its events; that of a track is its own.
    fn kind(self) -> Option<&'static str> {
        Some(match self {
            Self::Track => return None,
            Self::Identify => "identify",
            Self::Page => "page_view",
            Self::Screen => "screen_view",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Merge => "merge",
        })
    }

    /// Which traits are those of its payload.
    fn traits(self) -> &'static [u8] {
        match self {
            // Some SDKs have those of a user in the context alone.
            Self::Identify => &[TRAITS, context::TRAITS],
            Self::Group => &[TRAITS],
            _ => &[],
        }
    }
}

/// Reads one call.
pub struct CallReader<'a, 't> {
    pub batch: &'a mut Batch<'t>,
    pub index: usize,
    /// What it is, where its address says so.
    pub call: Option<Call>,
    pub of_batch: &'a Context,
    pub moves: bool,
}

/// What a call says beside what is in its payload.
#[derive(Default)]
struct Sent<'de> {
    kind: Option<Scalar<'de>>,
    event: Option<Scalar<'de>>,
    user_id: Option<Scalar<'de>>,
    anonymous_id: Option<Scalar<'de>>,
    previous_id: Option<Scalar<'de>>,
    group_id: Option<Scalar<'de>>,
    message_id: Option<Scalar<'de>>,
    original_timestamp: Option<Scalar<'de>>,
    timestamp: Option<Scalar<'de>>,
    sent_at: Option<Scalar<'de>>,
    write_key: Option<Scalar<'de>>,
    context: Said<'de>,
    /// A field that is no object, and what it is.
    no_object: Option<(&'static str, &'static str)>,
}

impl CallReader<'_, '_> {
    /// Reads it, and adds it to the batch or leaves it out of it.
    pub fn read<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { batch, index, call, of_batch, moves } = self;
        let mut sent = Sent::default();
        let mut room = std::mem::take(&mut batch.room);
        let mut parts = Parts::new(batch.terms.rules.payload, &mut room);
        while let Some(key) = map.next_key_seed(Key)? {
            sent.take(&key, &mut parts, &mut map)?;
        }
        if let Some(key) = &sent.write_key {
            batch.names_key(key);
        }
        match call.map_or_else(|| sent.call(), Ok) {
            Ok(call) => sent.add_to(batch, index, call, of_batch, moves, parts),
            Err(message) => batch.leave_out(index, "type", message),
        }
        batch.room = room;
        Ok(())
    }
}

impl<'de> Sent<'de> {
    fn take<A: MapAccess<'de>>(
        &mut self,
        key: &str,
        parts: &mut Parts<'_>,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let slot = match key {
            "type" => &mut self.kind,
            "event" => &mut self.event,
            "userId" => &mut self.user_id,
            "anonymousId" => &mut self.anonymous_id,
            "previousId" => &mut self.previous_id,
            "groupId" => &mut self.group_id,
            "messageId" => &mut self.message_id,
            "originalTimestamp" => &mut self.original_timestamp,
            "timestamp" => &mut self.timestamp,
            "sentAt" => &mut self.sent_at,
            "writeKey" => &mut self.write_key,
            "properties" => {
                let wrong = fields(map, Properties(parts))?;
                self.no_object = self.no_object.or(wrong.map(|kind| ("properties", kind)));
                return Ok(());
            }
            "context" => {
                let said = &mut self.context;
                let wrong = fields(map, ContextReader { parts, said })?;
                self.no_object = self.no_object.or(wrong.map(|kind| ("context", kind)));
                return Ok(());
            }
            "traits" => return parts.take_object(Role::Traits(TRAITS), key, map),
            "name" | "category" | "mergeProperties" => return parts.take(Role::Beside, key, map),
            _ => return skip(map),
        };
        *slot = Some(scalar(map)?);
        Ok(())
    }

    /// What it is, by its `type`.
    fn call(&self) -> Result<Call, &'static str> {
        match &self.kind {
            Some(Scalar::Text(name)) => Call::of(name)
                .ok_or("is none of track, identify, page, screen, group, alias and merge"),
            None | Some(Scalar::Null) => Err("is missing"),
            Some(_) => Err("must be a string"),
        }
    }

    fn add_to(
        self,
        batch: &mut Batch<'_>,
        index: usize,
        call: Call,
        of_batch: &Context,
        moves: bool,
        mut parts: Parts<'_>,
    ) {
        if let Some((field, kind)) = self.no_object {
            return batch.leave_out(index, field, format!("must be an object, not {kind}"));
        }
        let Self { context, event, .. } = &self;
        let clocks = self.clocks(batch, moves);
        let (occurred_at, is_readable) = self.occurred_at(moves);
        if !is_readable {
            return batch.leave_out(index, "timestamp", NO_TIME);
        }
        let event = event.clone().unwrap_or(Scalar::Null);
        let kind = match (call.kind(), event) {
            (Some(kind), _) => Scalar::Text(Cow::Borrowed(kind)),
            (None, Scalar::Text(name)) => parts.type_of(&name),
            (None, Scalar::Null) => return batch.leave_out(index, "event", "is missing"),
            (None, other) => other,
        };
        let session_id = first([
            likely(context.session_id.clone()),
            likely_id(parts.property("sessionId")),
            likely_id(parts.property("session_id")),
            default(of_batch.session_id.as_deref()),
        ]);
        let account_id = first([
            if call == Call::Group { strict(&self.group_id) } else { Scalar::Null },
            likely(context.group_id.clone()),
            likely_id(parts.property("groupId")),
            likely_id(parts.of_traits(context::TRAITS, &["company", "id"])),
            default(of_batch.group_id.as_deref()),
            default(of_batch.company.as_deref()),
        ]);
        let (user_id, anonymous_id) = self.who(call, &parts, of_batch);
        let user_agent = context.user_agent.as_deref().or(of_batch.user_agent.as_deref());
        let address = context.address.as_deref().or(of_batch.address.as_deref());
        let marks = batch.marks(user_agent, address);
        let is_too_large = parts.is_too_large();
        let payload = parts.finish(Ending {
            traits: call.traits(),
            always_traits: call == Call::Identify,
            dropped: &[],
            without_dollars: false,
            of_all: &of_batch.elements,
            marks,
        });
        let values = [
            ("userId", user_id),
            ("anonymousId", anonymous_id),
            ("event", kind),
            ("sessionId", session_id),
            ("groupId", account_id),
            ("timestamp", occurred_at),
            ("messageId", event_id(self.message_id.unwrap_or(Scalar::Null))),
        ];
        batch.add(index, Drafted { values, payload, is_too_large, clocks });
    }

    /// The user's id, and that from before.
    fn who(&self, call: Call, parts: &Parts<'_>, of_batch: &Context) -> (Scalar<'de>, Scalar<'de>) {
        let user_id = strict(&self.user_id);
        if call == Call::Alias {
            return (user_id, strict(&self.previous_id));
        }
        let anonymous_id = strict(&self.anonymous_id);
        if is_some(&user_id) || is_some(&anonymous_id) {
            return (user_id, anonymous_id);
        }
        let of_traits = likely_id(parts.of_traits(context::TRAITS, &["id"]));
        (first([of_traits, default(of_batch.user_id.as_deref())]), Scalar::Null)
    }

    /// The clock of the batch, else that of the call.
    fn clocks(&self, batch: &Batch<'_>, moves: bool) -> Clocks {
        let now = batch.clocks.now;
        if !moves {
            return Clocks::alike(now);
        }
        if batch.is_sent {
            return batch.clocks;
        }
        let sent_at = self.sent_at.as_ref().and_then(time);
        sent_at.map_or(batch.clocks, |sent_at| Clocks::of_sender(now, sent_at))
    }

    /// When it happened by the sender's clock, and whether that can be read.
    fn occurred_at(&self, moves: bool) -> (Scalar<'de>, bool) {
        let (first, second) = if moves {
            (&self.original_timestamp, &self.timestamp)
        } else {
            (&self.timestamp, &self.original_timestamp)
        };
        let is_there = |value: &&Scalar<'de>| is_some(value);
        let sent = first.as_ref().filter(is_there).or(second.as_ref().filter(is_there));
        match sent.map(time) {
            None => (Scalar::Null, true),
            Some(Some(time)) => (Scalar::Integer(time.as_millis()), true),
            Some(None) => (Scalar::Null, false),
        }
    }
}

/// An id that has to be one where it is there.
fn strict<'de>(value: &Option<Scalar<'de>>) -> Scalar<'de> {
    value.clone().map_or(Scalar::Null, id)
}

fn likely(value: Option<Scalar<'_>>) -> Scalar<'_> {
    value.map_or(Scalar::Null, likely_id)
}

fn default(value: Option<&str>) -> Scalar<'static> {
    value.map_or(Scalar::Null, |text| Scalar::Text(Cow::Owned(text.to_owned())))
}

/// The properties of a call.
struct Properties<'p, 'r>(&'p mut Parts<'r>);

impl<'de> ReadFields<'de> for Properties<'_, '_> {
    fn fields<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            self.0.take(Role::Own, &key, &mut map)?;
        }
        Ok(())
    }
}
