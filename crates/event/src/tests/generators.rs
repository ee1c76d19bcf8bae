//! Random values for properties, and the many ways to write one event down.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::now;
use crate::payload::PayloadLimits;
use crate::{Event, KnownAs, Payload, StoreId, Timestamp};

/// Room for everything that is generated here.
pub const AMPLE: PayloadLimits = PayloadLimits { max_bytes: 1 << 20, max_depth: 100 };

/// Text without control characters, often with what needs escapes or more
/// than one byte.
fn text(max_chars: usize) -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::char::range('a', 'z'),
        1 => proptest::sample::select(vec!['"', '\\', '/', ' ', '$', '.', 'é', '\u{2028}', '😀']),
        1 => any::<char>().prop_filter("a control character", |c| !c.is_control()),
    ];
    // Begins with a letter and a digit: no placeholder does.
    proptest::collection::vec(character, 0..max_chars)
        .prop_map(|rest| format!("u1{}", rest.into_iter().collect::<String>()))
}

fn key() -> impl Strategy<Value = String> {
    let special = vec!["$oid", "$date", "$numberLong", "a.b", "", "__proto__", "_id", "0"];
    prop_oneof![
        3 => "[a-e]{1,3}",
        1 => proptest::sample::select(special).prop_map(str::to_owned),
        1 => "[^\u{0}]{0,6}",
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<f64>().prop_filter("not finite", |n| n.is_finite()).prop_map(|n| json!(n)),
        (0_i32..100_000).prop_map(|n| json!(f64::from(n) / 100.0)),
    ]
}

/// A JSON object without NUL.
pub fn object() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number(),
        "[^\u{0}]{0,12}".prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(key(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(key(), value, 0..6)
        .prop_map(|fields| fields.into_iter().collect())
}

/// What is sent as `anonymousId`.
#[derive(Debug, Clone)]
enum Anonymous {
    None,
    Alone,
    Beside(String),
}

impl Anonymous {
    fn of(self, user_id: &str) -> Option<Box<str>> {
        match self {
            Self::None => None,
            Self::Alone => Some(user_id.into()),
            Self::Beside(id) => Some(id.into()),
        }
    }
}

fn anonymous() -> impl Strategy<Value = Anonymous> {
    prop_oneof![
        2 => Just(Anonymous::None),
        1 => Just(Anonymous::Alone),
        1 => text(40).prop_map(|id| Anonymous::Beside(format!("v{id}"))),
    ]
}

/// A valid event.
pub fn event() -> impl Strategy<Value = Event> {
    let optional = || proptest::option::of(text(20).prop_map(Box::<str>::from));
    let event_id = prop_oneof![
        text(20),
        any::<[u8; 10]>().prop_map(|bytes| {
            uuid::Builder::from_unix_timestamp_millis(1_765_794_600_000, &bytes)
                .into_uuid()
                .to_string()
        }),
    ];
    (
        text(40),
        anonymous(),
        proptest::sample::select(vec!["search", "page_view"]),
        optional(),
        optional(),
        object(),
        proptest::option::of(-62_167_219_200_000_i64..=now().as_millis() + super::DAY_MS),
        event_id,
    )
        .prop_map(
            |(user_id, anonymous, kind, session_id, account_id, payload, millis, event_id)| Event {
                id: StoreId::derive(&user_id, &event_id),
                anonymous_id: anonymous.of(&user_id),
                user_id: user_id.into(),
                event_id: event_id.into(),
                kind: kind.into(),
                session_id,
                account_id,
                payload: Payload::from_json(Value::Object(payload).to_string().as_bytes(), AMPLE)
                    .unwrap(),
                occurred_at: millis.map_or(now(), |millis| Timestamp::from_millis(millis).unwrap()),
                received_at: now(),
            },
        )
}

/// How one event is written down: which names, in which order, with how many
/// escapes, and its time in which form.
#[derive(Debug, Clone)]
pub struct Manner {
    names: [prop::sample::Index; 8],
    order: Vec<u32>,
    escapes: bool,
    blanks: &'static str,
    nulls: bool,
    time: TimeForm,
}

#[derive(Debug, Clone, Copy)]
enum TimeForm {
    Millis,
    Text { offset_minutes: i32, lower: bool },
}

pub fn manner() -> impl Strategy<Value = Manner> {
    let time = prop_oneof![
        Just(TimeForm::Millis),
        ((-1439..=1439), any::<bool>())
            .prop_map(|(offset_minutes, lower)| TimeForm::Text { offset_minutes, lower }),
    ];
    (
        any::<[prop::sample::Index; 8]>(),
        proptest::collection::vec(any::<u32>(), 8),
        any::<bool>(),
        proptest::sample::select(vec!["", " ", "\t \r"]),
        any::<bool>(),
        time,
    )
        .prop_map(|(names, order, escapes, blanks, nulls, time)| Manner {
            names,
            order,
            escapes,
            blanks,
            nulls,
            time,
        })
}

const NAMES: [&[&str]; 8] = [
    &["userId", "user_id", "patientId", "patient_id", "distinctId", "distinct_id"],
    &["anonymousId", "anonymous_id", "deviceId", "device_id"],
    &["type", "event"],
    &["sessionId", "session_id"],
    &["accountId", "account_id"],
    &["occurredAt", "timestamp", "ts"],
    &["eventId", "event_id", "messageId"],
    &["payload", "data", "metadata", "properties"],
];

impl Manner {
    /// The event as JSON on one line.
    pub fn write(&self, event: &Event) -> String {
        let optional = |text: &Option<Box<str>>| match text {
            Some(text) => Some(self.string(text)),
            None => self.nulls.then(|| "null".to_owned()),
        };
        let values = [
            match event.known_as() {
                KnownAs::Visitor => self.nulls.then(|| "null".to_owned()),
                KnownAs::User | KnownAs::Both { .. } => Some(self.string(&event.user_id)),
            },
            optional(&event.anonymous_id),
            Some(self.string(&event.kind)),
            optional(&event.session_id),
            optional(&event.account_id),
            Some(self.time(event.occurred_at)),
            Some(self.string(&event.event_id)),
            Some(event.payload.to_json()),
        ];
        let mut fields: Vec<(u32, String)> = values
            .into_iter()
            .enumerate()
            .filter_map(|(field, value)| Some((field, value?)))
            .map(|(field, value)| {
                let name = self.string(self.names[field].get::<&str>(NAMES[field]));
                let blanks = self.blanks;
                (self.order[field], format!("{name}{blanks}:{blanks}{value}"))
            })
            .collect();
        fields.sort();
        let fields: Vec<String> = fields.into_iter().map(|(_, field)| field).collect();
        format!("{{{}}}", fields.join(&format!("{},", self.blanks)))
    }

    fn string(&self, text: &str) -> String {
        if !self.escapes {
            return serde_json::to_string(text).unwrap();
        }
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{escaped}\"")
    }

    fn time(&self, time: Timestamp) -> String {
        let TimeForm::Text { offset_minutes, lower } = self.time else {
            return time.as_millis().to_string();
        };
        let offset = chrono::FixedOffset::east_opt(offset_minutes * 60).unwrap();
        let local = chrono::DateTime::from_timestamp_millis(time.as_millis())
            .unwrap()
            .with_timezone(&offset);
        // RFC 3339 has no years before 0.
        let text = match local.format("%Y").to_string().as_str() {
            year if year.starts_with(['-', '+']) => time.to_string(),
            _ => local.to_rfc3339_opts(chrono::SecondsFormat::Nanos, false),
        };
        format!("\"{}\"", if lower { text.to_lowercase() } else { text })
    }
}
