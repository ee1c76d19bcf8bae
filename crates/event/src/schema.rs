//! The rules of an event as JSON Schema.

use serde_json::{Map, Value, json};

use super::draft::FIELDS;
use super::normalize::{MAX_EVENT_ID, MAX_ID, MAX_TYPE, PLACEHOLDERS};
use super::{Rules, Timestamp, TypeRule};

/// What JSON Schema has no words for.
const UNSAID: &str = "One event, as POST /events takes it. An event that breaks this schema is \
    refused. One that keeps to it is accepted, unless it breaks a rule that a schema cannot state: \
    lengths are counted in bytes of UTF-8, and here in characters; a time has to exist, to lie \
    between the years 0000 and 9999 and not more than 24 hours in the future; milliseconds are \
    written without a point and without an exponent; a payload is limited as compact JSON (see \
    its description); no key stands twice in one object; and no text in a payload holds NUL.";

/// Characters that none of the texts of an event may hold.
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";

/// White space that is no control character.
const BLANK: &str = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// The JSON Schema (2020-12) of one event under these rules.
///
/// All that it refuses, [`wire`](super::wire) refuses too; what it cannot refuse is
/// said in its `description`.
pub fn of_event(rules: &Rules) -> Value {
    let mut properties = Map::new();
    for (name, aliases) in FIELDS {
        for key in std::iter::once(name).chain(*aliases) {
            properties.insert((*key).to_owned(), property(name, key, rules));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": UNSAID,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "allOf": required(rules),
        "dependentSchemas": exclusions(),
        "examples": [{ "userId": "test123", "type": "page_view", "payload": { "path": "/pricing" } }],
    })
}

/// What a key may be given. null counts as left out.
fn property(name: &str, key: &str, rules: &Rules) -> Value {
    let mut schema = match name {
        "userId" | "anonymousId" => persons_id(),
        "type" => type_name(&rules.types),
        "eventId" => text(MAX_EVENT_ID),
        "payload" => json!({ "type": ["object", "null"] }),
        "occurredAt" => time(),
        _ => text(MAX_ID),
    };
    schema["description"] = match (name, key) {
        (name, key) if name != key => format!("The same as {name}."),
        ("userId", _) => "Whose event it is.".to_owned(),
        ("anonymousId", _) => {
            "Under which the visitor was known before. Without userId it is the user.".to_owned()
        }
        ("type", _) => "What happened.".to_owned(),
        ("sessionId", _) => "The visit.".to_owned(),
        ("accountId", _) => "The business account.".to_owned(),
        ("occurredAt", _) => "When it happened; the time of receipt when left out.".to_owned(),
        ("eventId", _) => {
            "Your id for the event, unique within its user; made by the service when left out."
                .to_owned()
        }
        _ => format!(
            "Your own data: at most {} bytes as compact JSON, and {} levels deep.",
            rules.payload.max_bytes, rules.payload.max_depth
        ),
    }
    .into();
    schema
}

/// A text of the event, or null.
fn text(max_bytes: usize) -> Value {
    json!({
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": max_bytes,
        "pattern": format!("^[^{CONTROL}]*$"),
    })
}

/// As [`text`], but neither blank nor a placeholder.
fn persons_id() -> Value {
    let any_case = |character: char| match character {
        'a'..='z' | 'A'..='Z' => {
            format!("[{}{}]", character.to_ascii_lowercase(), character.to_ascii_uppercase())
        }
        '[' | ']' => format!(r"\{character}"),
        other => other.to_string(),
    };
    let placeholders = PLACEHOLDERS.map(|text| text.chars().map(any_case).collect::<String>());
    let placeholders = placeholders.join("|");
    let mut schema = text(MAX_ID);
    schema["not"] = json!({
        "type": "string",
        "pattern": format!("^[{BLANK}]*({placeholders})?[{BLANK}]*$"),
    });
    schema
}

fn type_name(types: &TypeRule) -> Value {
    let TypeRule::OneOf(known) = types else { return text(MAX_TYPE) };
    let mut known: Vec<Option<&str>> = known.iter().map(|kind| Some(&**kind)).collect();
    known.sort_unstable();
    known.push(None);
    json!({ "enum": known })
}

fn time() -> Value {
    let first = Timestamp::from_millis_clamped(i64::MIN).as_millis();
    let last = Timestamp::from_millis_clamped(i64::MAX).as_millis();
    json!({
        "anyOf": [
            { "type": "string", "format": "date-time" },
            { "type": "integer", "minimum": first, "maximum": last },
            { "type": "null" },
        ],
    })
}

/// The fields of which an event needs one, by any of their names and not null.
fn required(rules: &Rules) -> Vec<Value> {
    let one_of = |fields: &[&str]| {
        let keys = FIELDS.iter().filter(|(name, _)| fields.contains(name));
        let keys = keys.flat_map(|(name, aliases)| std::iter::once(name).chain(*aliases));
        let given: Vec<Value> = keys
            .map(|key| json!({ "required": [key], "properties": { *key: { "type": "string" } } }))
            .collect();
        json!({ "anyOf": given })
    };
    let mut required = vec![one_of(&["type"])];
    if rules.default_user.is_none() {
        required.push(one_of(&["userId", "anonymousId"]));
    }
    required
}

/// For each key, the other names of its field, none of which may stand beside it.
fn exclusions() -> Map<String, Value> {
    let mut exclusions = Map::new();
    for (name, aliases) in FIELDS {
        let keys: Vec<&str> = std::iter::once(*name).chain(aliases.iter().copied()).collect();
        for (place, key) in keys.iter().enumerate() {
            let others = keys[place + 1..].iter();
            let others: Map<String, Value> =
                others.map(|other| ((*other).to_owned(), Value::Bool(false))).collect();
            if !others.is_empty() {
                exclusions.insert((*key).to_owned(), json!({ "properties": others }));
            }
        }
    }
    exclusions
}

#[cfg(test)]
mod tests;
