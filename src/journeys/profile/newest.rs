//! What the newest events say of a user. Pure.

use serde::Deserialize;
use serde::de::IgnoredAny;
use trailkeep_store::StoredEvent;

/// Of each thing what the newest event says that has it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Newest {
    /// `url`, else `path`, else `current_url`, of a `page_view`.
    pub page: Option<String>,
    /// `message` of an `error`.
    pub error: Option<String>,
    /// On what.
    pub device: Option<Device>,
    /// `timeZone`, `timezone` or `$timezone`.
    pub time_zone: Option<String>,
    /// The business accounts, the newest first.
    pub account_ids: Vec<Box<str>>,
}

/// What an event says it was made on: at least one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `$browser`.
    pub browser: Option<String>,
    /// `$os`.
    pub os: Option<String>,
    /// `$device`.
    pub device: Option<String>,
}

impl Newest {
    /// Of events in this order, the newest first.
    pub fn of(events: &[StoredEvent]) -> Self {
        let mut newest = Self::default();
        for event in events {
            newest.take(&event.kind, &event.payload);
            if let Some(account) = &event.account_id
                && !newest.account_ids.contains(account)
            {
                newest.account_ids.push(account.clone());
            }
        }
        newest
    }

    fn take(&mut self, kind: &str, payload: &str) {
        let Ok(said) = serde_json::from_str::<Said>(payload) else { return };
        if kind == "page_view" && self.page.is_none() {
            let said = [said.url, said.path, said.current_url];
            self.page = said.iter().find_map(Text::text);
        }
        if kind == "error" && self.error.is_none() {
            self.error = said.message.text();
        }
        if self.device.is_none() {
            let device = Device {
                browser: said.browser.text(),
                os: said.os.text(),
                device: said.device.text(),
            };
            let has_any =
                device.browser.is_some() || device.os.is_some() || device.device.is_some();
            self.device = has_any.then_some(device);
        }
        if self.time_zone.is_none() {
            let said = [said.time_zone, said.timezone, said.dollar_timezone];
            self.time_zone = said.iter().find_map(Text::text);
        }
    }
}

/// What of a payload is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    url: Text,
    path: Text,
    current_url: Text,
    message: Text,
    #[serde(rename = "$browser")]
    browser: Text,
    #[serde(rename = "$os")]
    os: Text,
    #[serde(rename = "$device")]
    device: Text,
    #[serde(rename = "timeZone")]
    time_zone: Text,
    timezone: Text,
    #[serde(rename = "$timezone")]
    dollar_timezone: Text,
}

/// A value that is a text, or any other, which says nothing here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Other(IgnoredAny),
}

impl Default for Text {
    fn default() -> Self {
        Self::Other(IgnoredAny)
    }
}

impl Text {
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(events: &[(&str, &str)]) -> Newest {
        let mut newest = Newest::default();
        events.iter().for_each(|(kind, payload)| newest.take(kind, payload));
        newest
    }

    #[test]
    fn of_each_thing_the_newest_event_that_has_it_counts() {
        let newest = newest(&[
            ("page_leave", r#"{"url":"/left","timezone":7}"#),
            ("page_view", r#"{"url":" ","path":"/pricing"}"#),
            ("page_view", r#"{"url":"https://a.example/","path":"/","$os":"Linux"}"#),
            ("error", r#"{"message":{"text":"x"},"$timezone":"Europe/Berlin","$os":"Windows"}"#),
            ("error", r#"{"message":"it broke","timeZone":"UTC","$browser":"Firefox"}"#),
        ]);
        assert_eq!(newest.page.as_deref(), Some("/pricing"));
        assert_eq!(newest.error.as_deref(), Some("it broke"));
        assert_eq!(newest.time_zone.as_deref(), Some("Europe/Berlin"));
        let device = Device { browser: None, os: Some("Linux".to_owned()), device: None };
        assert_eq!(newest.device, Some(device));
    }

    #[test]
    fn a_page_is_told_as_other_collectors_call_it() {
        let told = newest(&[("page_view", r#"{"current_url":"https://a.example/b"}"#)]);
        assert_eq!(told.page.as_deref(), Some("https://a.example/b"));
    }

    #[test]
    fn an_event_that_says_nothing_tells_nothing() {
        assert_eq!(
            newest(&[("page_view", "{}"), ("error", r#"{"message":null}"#)]),
            Newest::default()
        );
    }
}
