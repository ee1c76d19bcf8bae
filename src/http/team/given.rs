//! The settings of the team as they are sent. They are read as any JSON first, so that all
//! that is wrong with them is told at once and by its field, and nothing is lost of what
//! stands twice in an object.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use trailkeep_event::Fault;
use trailkeep_event::fault::clip;

use crate::access::team::draft::{Draft, HIDDEN_TYPES, PINNED_KEYS, SENTENCES, TWICE, of_type};
use crate::access::team::settings::TeamSettings;

const ASKS_FOR_REASON: &str = "asksForReason";

/// As answers have it: who sends back what was answered need not take it out.
const UPDATED_AT: &str = "updatedAt";

/// Any JSON.
#[derive(Debug)]
pub enum Given {
    Null,
    Flag(bool),
    Number,
    Text(String),
    List(Vec<Given>),
    /// With what stands in it twice.
    Object(Vec<(String, Given)>),
}

impl Given {
    /// The settings, or all that is wrong with them.
    pub fn into_settings(self) -> Result<TeamSettings, Vec<Fault>> {
        let mut draft = Draft::default();
        let mut seen = Vec::new();
        let Self::Object(fields) = self else {
            draft.fault("", "must be an object");
            return draft.finish();
        };
        for (name, value) in &fields {
            if seen.contains(&name) {
                draft.fault(clip(name), TWICE);
                continue;
            }
            match (name.as_str(), value) {
                (UPDATED_AT, _)
                | (SENTENCES | HIDDEN_TYPES | PINNED_KEYS | ASKS_FOR_REASON, Self::Null) => {}
                (SENTENCES, Self::Object(entries)) => say(&mut draft, entries),
                (HIDDEN_TYPES, Self::List(kinds)) => hide(&mut draft, kinds),
                (PINNED_KEYS, Self::Object(entries)) => pin(&mut draft, entries),
                (ASKS_FOR_REASON, Self::Flag(asks)) => draft.ask_for_reason(*asks),
                (SENTENCES | PINNED_KEYS, _) => {
                    draft.fault(name, value.is_not("an object, by type"))
                }
                (HIDDEN_TYPES, _) => draft.fault(name, value.is_not("a list of types")),
                (ASKS_FOR_REASON, _) => draft.fault(name, value.is_not("true or false")),
                _ => {
                    draft.fault(clip(name), "is not a setting of the team");
                    continue;
                }
            }
            seen.push(name);
        }
        draft.finish()
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn is_not(&self, wanted: &str) -> String {
        let is = match self {
            Self::Null => "null",
            Self::Flag(_) => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        };
        format!("must be {wanted}, not {is}")
    }
}

fn say(draft: &mut Draft, entries: &[(String, Given)]) {
    if !draft.may_have(SENTENCES, entries.len()) {
        return;
    }
    for (kind, said) in entries {
        match said.text() {
            Some(text) => draft.say(kind, text),
            None => draft.fault(of_type(SENTENCES, kind), said.is_not("a string")),
        }
    }
}

fn hide(draft: &mut Draft, kinds: &[Given]) {
    if !draft.may_have(HIDDEN_TYPES, kinds.len()) {
        return;
    }
    for (place, kind) in kinds.iter().enumerate() {
        match kind.text() {
            Some(text) => draft.hide(place, text),
            None => draft.fault(format!("{HIDDEN_TYPES}[{place}]"), kind.is_not("a string")),
        }
    }
}

fn pin(draft: &mut Draft, entries: &[(String, Given)]) {
    if !draft.may_have(PINNED_KEYS, entries.len()) {
        return;
    }
    for (kind, keys) in entries {
        match keys {
            Given::List(keys) => {
                let keys: Vec<_> = keys.iter().map(Given::text).collect();
                draft.pin(kind, &keys);
            }
            _ => draft.fault(of_type(PINNED_KEYS, kind), keys.is_not("a list of keys")),
        }
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Given, E> {
        Ok(Given::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Given, E> {
        Ok(Given::Flag(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Given, E> {
        Ok(Given::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Given, E> {
        Ok(Given::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Given, E> {
        Ok(Given::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Given, E> {
        Ok(Given::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Given, E> {
        Ok(Given::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(Given::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Given, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = object.next_entry()? {
            entries.push(entry);
        }
        Ok(Given::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(json: &str) -> Result<TeamSettings, Vec<(String, String)>> {
        let given: Given = serde_json::from_str(json).unwrap();
        let told = |fault: Fault| (fault.field, fault.message.into_owned());
        given.into_settings().map_err(|faults| faults.into_iter().map(told).collect())
    }

    fn fields(json: &str) -> Vec<String> {
        read(json).unwrap_err().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_is_left_out_or_null_is_empty() {
        let nulls = r#"{"sentences": null, "hiddenTypes": null, "pinnedKeys": null,
                        "asksForReason": null, "updatedAt": null}"#;
        for nothing in ["{}", r#"{"updatedAt": 7}"#, nulls] {
            assert_eq!(read(nothing).unwrap(), TeamSettings::default(), "{nothing}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_in_its_order() {
        let json = r#"{"sentences": {"a": "x {", "b": "fine", "c": 7, "a": null, "b": "again"},
            "hiddenTypes": ["", 1, "x", "x"], "colour": "red", "asksForReason": "yes",
            "pinnedKeys": {"a": ["b", 2, "b"], "c": {}, "d": ["1", "2", "3", "4"]},
            "asksForReason": true}"#;
        assert_eq!(
            fields(json),
            [
                "sentences.a",
                "sentences.c",
                "sentences.a",
                "sentences.b",
                "hiddenTypes[0]",
                "hiddenTypes[1]",
                "colour",
                "asksForReason",
                "pinnedKeys.a[1]",
                "pinnedKeys.a[2]",
                "pinnedKeys.c",
                "pinnedKeys.d",
                "asksForReason",
            ]
        );
        for (json, message) in [
            (r#"{"sentences": []}"#, "must be an object, by type, not a list"),
            (r#"{"hiddenTypes": {}}"#, "must be a list of types, not an object"),
            (r#"{"asksForReason": 1.5}"#, "must be true or false, not a number"),
            (r#"{"sentences": {"a": true}}"#, "must be a string, not a boolean"),
            (r#"{"hidden": 1}"#, "is not a setting of the team"),
        ] {
            let told = read(json).unwrap_err();
            assert_eq!(told.iter().map(|(_, told)| told).collect::<Vec<_>>(), [message], "{json}");
        }
    }

    #[test]
    fn no_more_is_told_and_repeated_than_a_person_reads() {
        let many: Vec<_> = (0..500).map(|_| Vec::<u8>::new()).collect();
        let json = serde_json::json!({ "hiddenTypes": many, "x".repeat(10_000): 1 });
        assert_eq!(fields(&json.to_string()).len(), 100);
        let long =
            serde_json::json!({ "x".repeat(10_000): 1, "sentences": { "y".repeat(99): "s" } });
        let told = fields(&long.to_string());
        assert!(told.iter().all(|field| field.len() < 100), "{told:?}");
        let more: Vec<_> = (0..501).map(|number| number.to_string()).collect();
        assert_eq!(
            fields(&serde_json::json!({ "hiddenTypes": more }).to_string()),
            ["hiddenTypes"]
        );
    }
}
