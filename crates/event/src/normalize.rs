//! A draft becomes an event, or a list of what is wrong with it.
//!
//! [`normalize`] is the list of rules in the order in which they are applied;
//! each is a function of its own below.

use std::borrow::Cow;
use std::collections::HashSet;

use uuid::Uuid;

use super::draft::{Draft, Repeated, Slot};
use super::fault::{Fault, Faults, Listed, clip};
use super::json::Scalar;
use super::payload::PayloadLimits;
use super::payload_reader::PayloadValue;
use super::sending::Clocks;
use super::{Event, Payload, StoreId, Timestamp};

/// Milliseconds that the service lets an event lie in the future: 24 hours cover
/// clocks in the wrong time zone; what is beyond is a broken clock.
pub const MAX_FUTURE_MS: i64 = 24 * 60 * 60 * 1000;

/// What events must keep to. Comes from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Which types are accepted.
    pub types: TypeRule,
    /// The user of events that name none.
    pub default_user: Option<Box<str>>,
    /// Events in one request.
    pub max_events: usize,
    /// What a payload may be.
    pub payload: PayloadLimits,
    /// Milliseconds that an event may lie in the future.
    pub max_future_ms: i64,
}

/// The types that our tracker sends. No list leaves them out: who writes one thinks of
/// what their own code sends, and would lose what the tracker sends beside it.
pub const TRACKER_TYPES: [&str; 9] = [
    "session_start",
    "page_view",
    "page_leave",
    "button_click",
    "form_submit",
    "error",
    "identify",
    "group",
    "alias",
];

/// Which event types are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeRule {
    /// Any name of 1 to 64 bytes.
    Any,
    /// One of these, each of 1 to 64 bytes.
    OneOf(HashSet<Box<str>>),
}

impl TypeRule {
    /// Those of a list and [`TRACKER_TYPES`]; any where the list is empty.
    pub fn listed<T: AsRef<str>>(list: &[T]) -> Self {
        if list.is_empty() {
            return Self::Any;
        }
        let listed = list.iter().map(AsRef::as_ref);
        Self::OneOf(listed.chain(TRACKER_TYPES).map(Box::from).collect())
    }

    /// Whether a type of 1 to 64 bytes is accepted.
    pub fn accepts(&self, kind: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(known) => known.contains(kind),
        }
    }
}

/// What is said of a value that should be a time.
pub(super) const NO_TIME: &str = "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z, \
                                  or whole milliseconds since the epoch";

pub(super) const MAX_ID: usize = 256;
pub(super) const MAX_TYPE: usize = 64;
pub(super) const MAX_EVENT_ID: usize = 128;

/// Applies every rule to one draft. What is wrong is added to `faults`, all of
/// it; only a draft without faults becomes an event.
pub fn normalize(
    draft: Draft<'_>,
    index: usize,
    rules: &Rules,
    clocks: Clocks,
    faults: &mut Faults,
) -> Option<Event> {
    let before = faults.total();
    let mut check = Check { index, faults };
    let [user_id, anonymous_id, kind, session_id, account_id, occurred_at, event_id] =
        draft.scalars;

    check.no_unknown_keys(&draft.unknown);
    check.no_repeated_fields(&draft.repeated);
    let who = check.who(user_id, anonymous_id, rules.default_user.as_deref());
    let kind = check.kind(kind, &rules.types);
    let session_id = check.optional_text(session_id, MAX_ID);
    let account_id = check.optional_text(account_id, MAX_ID);
    let payload = check.payload(draft.payload);
    let occurred_at = check.time(occurred_at, clocks, rules.max_future_ms);
    let event_id = check.optional_text(event_id, MAX_EVENT_ID);

    if faults.total() > before {
        return None;
    }
    let ((user_id, anonymous_id), kind) = (who?, kind?);
    let event_id = event_id.unwrap_or_else(|| Cow::Owned(new_event_id()));
    Some(Event {
        id: StoreId::derive(&user_id, &event_id),
        user_id: user_id.into(),
        anonymous_id: anonymous_id.map(Into::into),
        event_id: event_id.into(),
        kind: kind.into(),
        session_id: session_id.map(Into::into),
        account_id: account_id.map(Into::into),
        payload: payload.unwrap_or_else(Payload::empty),
        occurred_at: occurred_at.unwrap_or(clocks.now),
        received_at: clocks.now,
    })
}

/// Ids in the order of their making keep neighbours together in the index of
/// every store.
fn new_event_id() -> String {
    let mut text = Uuid::encode_buffer();
    let id = Uuid::now_v7().hyphenated().encode_lower(&mut text);
    id.to_owned()
}

/// Applies rules to the event at `index`. Each rule answers the value, or adds
/// a fault and answers nothing.
struct Check<'f> {
    index: usize,
    faults: &'f mut Faults,
}

impl Check<'_> {
    fn fault(&mut self, field: &str, message: impl Into<Cow<'static, str>>) {
        let index = Some(self.index);
        self.faults.add(|| Fault { index, field: clip(field), message: message.into() });
    }

    /// A typo must not become a lost value.
    fn no_unknown_keys(&mut self, keys: &Listed<Cow<'_, str>>) {
        for key in &keys.first {
            self.fault(key, "is not a field of an event; put your own data into \"payload\"");
        }
        self.faults.count(keys.beyond);
    }

    /// Of two values for one field, neither is known to be the right one.
    fn no_repeated_fields(&mut self, keys: &Listed<Repeated<'_>>) {
        for Repeated { again, first } in &keys.first {
            self.fault(again, format!("gives a second time what {first:?} gives; send one"));
        }
        self.faults.count(keys.beyond);
    }

    /// The user's id, and the `anonymousId` where it says more than that id does:
    /// see [`Event::known_as`].
    fn who<'de>(
        &mut self,
        user: Slot<'de, Scalar<'de>>,
        anonymous: Slot<'de, Scalar<'de>>,
        default: Option<&str>,
    ) -> Option<(Cow<'de, str>, Option<Cow<'de, str>>)> {
        let key = user.key_of_null("userId");
        let before = self.faults.total();
        let user = self.persons_id(user);
        let anonymous = self.persons_id(anonymous);
        match (user, anonymous) {
            _ if self.faults.total() > before => None,
            (Some(user), anonymous) => {
                let says_more = anonymous.filter(|anonymous| *anonymous != user);
                Some((user, says_more))
            }
            (None, Some(anonymous)) => Some((anonymous.clone(), Some(anonymous))),
            (None, None) => match default {
                Some(default) => Some((Cow::Owned(default.to_owned()), None)),
                None => {
                    self.fault(&key, "is missing");
                    None
                }
            },
        }
    }

    /// An id under which events of one person are put together. Of a placeholder
    /// they would be everybody's.
    fn persons_id<'de>(&mut self, slot: Slot<'de, Scalar<'de>>) -> Option<Cow<'de, str>> {
        let (key, value) = slot.0?;
        let id = self.text(&key, value, MAX_ID)?;
        let shown = trimmed(&id);
        if shown.is_empty() {
            self.fault(&key, "is blank");
        } else if is_placeholder(shown) {
            self.fault(&key, format!("is the placeholder {id:?}, not an id"));
        } else {
            return Some(id);
        }
        None
    }

    fn kind<'de>(
        &mut self,
        slot: Slot<'de, Scalar<'de>>,
        rule: &TypeRule,
    ) -> Option<Cow<'de, str>> {
        let (key, value) = match slot.0 {
            Some((key, value)) if !matches!(value, Scalar::Null) => (key, value),
            missing => {
                let key = missing.as_ref().map_or("type", |(key, _)| key);
                self.fault(key, "is missing");
                return None;
            }
        };
        let kind = self.text(&key, value, MAX_TYPE)?;
        match rule {
            TypeRule::OneOf(known) if !known.contains(&*kind) => {
                let mut known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
                known.sort_unstable();
                self.fault(&key, format!("is none of the accepted types: {}", known.join(", ")));
                None
            }
            _ => Some(kind),
        }
    }

    /// A string of 1 to `max` bytes; null counts as left out.
    fn optional_text<'de>(
        &mut self,
        slot: Slot<'de, Scalar<'de>>,
        max: usize,
    ) -> Option<Cow<'de, str>> {
        let (key, value) = slot.0?;
        self.text(&key, value, max)
    }

    fn text<'de>(&mut self, key: &str, value: Scalar<'de>, max: usize) -> Option<Cow<'de, str>> {
        let text = match value {
            Scalar::Null => return None,
            Scalar::Text(text) => text,
            Scalar::Integer(_) => {
                self.fault(key, "must be a string, not a number");
                return None;
            }
            Scalar::Other(kind) => {
                self.fault(key, format!("must be a string, not {kind}"));
                return None;
            }
        };
        if text.is_empty() {
            self.fault(key, "is empty");
        } else if text.len() > max {
            self.fault(key, format!("is longer than {max} bytes"));
        } else if has_control(&text) {
            self.fault(key, "holds a control character");
        } else {
            return Some(text);
        }
        None
    }

    fn payload(&mut self, slot: Slot<'_, PayloadValue>) -> Option<Payload> {
        let (key, value) = slot.0?;
        match value? {
            Ok(payload) => Some(payload),
            Err(fault) => {
                self.fault(&key, fault);
                None
            }
        }
    }

    fn time(
        &mut self,
        slot: Slot<'_, Scalar<'_>>,
        clocks: Clocks,
        max_future_ms: i64,
    ) -> Option<Timestamp> {
        let (key, value) = slot.0?;
        if matches!(value, Scalar::Null) {
            return None;
        }
        let Some(sent) = value.time() else {
            self.fault(&key, NO_TIME);
            return None;
        };
        let moved = if clocks.differ() { " once moved by what sentAt is off" } else { "" };
        let Some(time) = clocks.ours(sent) else {
            self.fault(&key, format!("is {sent}, which leaves the years 0000 to 9999{moved}"));
            return None;
        };
        if time > clocks.now.plus_millis(max_future_ms) {
            let hours = max_future_ms / 3_600_000;
            self.fault(&key, format!("is {time}{moved}, more than {hours} h in the future"));
            return None;
        }
        Some(time)
    }
}

fn has_control(text: &str) -> bool {
    // Most texts are plain ASCII, which is told without a branch for each byte.
    let is_plain = |is_plain, byte| is_plain & (b' '..0x7f).contains(&byte);
    !text.bytes().fold(true, is_plain) && text.chars().any(char::is_control)
}

/// The text without what is blank at its ends. Most ids have nothing there, which
/// two bytes tell.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// What broken trackers send where the id of a person belongs: the text of a value
/// that was not there, in any case of letters.
pub(super) const PLACEHOLDERS: [&str; 5] = ["undefined", "null", "nan", "none", "[object Object]"];

fn is_placeholder(id: &str) -> bool {
    PLACEHOLDERS.iter().any(|placeholder| id.eq_ignore_ascii_case(placeholder))
}

#[cfg(test)]
mod tests;
