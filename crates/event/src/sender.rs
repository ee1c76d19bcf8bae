//! What an event is given of whoever sent it.

use super::agent::{Agent, clipped};
use super::bson_reader::Elements;
use super::bson_tag as tag;
use super::{Event, Payload};

/// What of senders is kept in payloads as it was sent; by default none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    /// The text of the user agent, as `$userAgent`: its first 512 bytes.
    pub user_agent: bool,
    /// The address, as `$address`.
    pub address: bool,
}

/// The browser that sent a request; nothing of a program that is none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// What of it is kept.
    pub keep: Keep,
    /// What its user agent tells.
    pub agent: Option<Agent>,
    /// Its user agent.
    pub user_agent: Option<&'a str>,
    /// Its address.
    pub address: Option<&'a str>,
}

impl<'a> Sender<'a> {
    /// A sender with this user agent and this address.
    pub fn of(keep: Keep, user_agent: Option<&'a str>, address: Option<&'a str>) -> Self {
        match user_agent.and_then(Agent::of) {
            Some(agent) => Self { keep, agent: Some(agent), user_agent, address },
            None => Self { keep, ..Self::default() },
        }
    }

    /// Gives each event what is to be told of the sender.
    pub fn mark(&self, events: &mut [Event]) {
        let marks = Marks::of(self.keep, self.agent, self.user_agent, self.address);
        if !marks.is_empty() {
            events.iter_mut().for_each(|event| event.payload = marks.added_to(&event.payload));
        }
    }
}

/// Keys of a payload with their texts.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a>([Option<(&'static str, &'a str)>; 5]);

/// The names under which payloads have them.
pub const NAMES: [&str; 5] = ["$browser", "$os", "$device", "$userAgent", "$address"];

impl<'a> Marks<'a> {
    /// Of what is known of a sender, and what is kept of it.
    pub fn of(
        keep: Keep,
        agent: Option<Agent>,
        user_agent: Option<&'a str>,
        address: Option<&'a str>,
    ) -> Self {
        let values = [
            agent.and_then(|agent| agent.browser),
            agent.and_then(|agent| agent.os),
            agent.map(|agent| agent.device),
            user_agent.filter(|_| keep.user_agent).map(clipped),
            address.filter(|_| keep.address).map(clipped),
        ];
        let mut marks = [None; 5];
        for ((mark, name), value) in marks.iter_mut().zip(NAMES).zip(values) {
            // BSON could hold a NUL, and what reads JSON of payloads could not.
            *mark = value.filter(|value| !value.contains('\0')).map(|value| (name, value));
        }
        Self(marks)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Writes those for which there is no such key yet.
    pub fn write(&self, out: &mut Vec<u8>, mut has: impl FnMut(&str) -> bool) {
        for (key, text) in self.0.iter().flatten() {
            if has(key) {
                continue;
            }
            out.push(tag::STRING);
            out.extend_from_slice(key.as_bytes());
            out.push(0);
            // Less than a page.
            let length = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
            out.extend_from_slice(&length.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        }
    }

    fn added_to(&self, payload: &Payload) -> Payload {
        const USUAL_BYTES: usize = 128;
        let before = payload.as_bson();
        let mut own = [false; NAMES.len()];
        if let Ok(mut elements) = Elements::of(before) {
            while let Ok(Some(element)) = elements.next_element() {
                if element.key.first() == Some(&b'$')
                    && let Some(place) =
                        NAMES.iter().position(|name| name.as_bytes() == element.key)
                {
                    own[place] = true;
                }
            }
        }
        let mut out = Vec::with_capacity(before.len() + USUAL_BYTES);
        out.extend_from_slice(&before[..before.len() - 1]);
        self.write(&mut out, |key| {
            NAMES.iter().zip(own).any(|(name, is_own)| is_own && *name == key)
        });
        Payload::closed(&mut out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::{one, with};

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

    fn marked(keep: Keep, user_agent: Option<&str>, payload: &str) -> String {
        let mut events = [one(&with(&format!(r#""payload":{payload}"#)))];
        Sender::of(keep, user_agent, Some("192.0.2.7")).mark(&mut events);
        let [event] = events;
        bson::Document::try_from(
            bson::raw::RawDocument::from_bytes(event.payload.as_bson()).unwrap(),
        )
        .unwrap();
        event.payload.to_json()
    }

    #[test]
    fn a_browsers_events_say_what_it_is_where_they_do_not_by_themselves() {
        assert_eq!(
            marked(Keep::default(), Some(FIREFOX), r#"{"a":1}"#),
            r#"{"a":1,"$browser":"Firefox","$os":"Linux","$device":"desktop"}"#
        );
        assert_eq!(
            marked(Keep::default(), Some(FIREFOX), r#"{"$browser":"Own","$device":null}"#),
            r#"{"$browser":"Own","$device":null,"$os":"Linux"}"#
        );
    }

    #[test]
    fn of_what_is_no_browser_nothing_is_said() {
        let all = Keep { user_agent: true, address: true };
        for agent in [None, Some("curl/8.5.0")] {
            assert_eq!(marked(all, agent, "{}"), "{}");
        }
    }

    #[test]
    fn the_text_and_the_address_are_kept_where_that_is_asked_for() {
        let json = marked(Keep { user_agent: true, address: true }, Some(FIREFOX), "{}");
        assert!(json.contains(&format!(r#""$userAgent":"{FIREFOX}""#)), "{json}");
        assert!(json.contains(r#""$address":"192.0.2.7""#), "{json}");
    }
}
