//! The schema says what the parser does, but for what it says that it cannot say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::RefCell;
use std::collections::HashMap;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::draft::Field;
use crate::tests::generators::{event, manner};
use crate::tests::{now, rules};
use crate::wire::{Refusal, read_json};
use crate::{Event, Rules, TypeRule};

/// Rules that differ in all that the schema tells of.
fn some_rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>()).prop_map(|(any_type, has_default)| Rules {
        types: TypeRule::listed(if any_type { &[] } else { &["search"] }),
        default_user: has_default.then(|| "everybody".into()),
        ..rules()
    })
}

/// What a validator says of a value.
struct Validator(Schemas, SchemaIndex);

impl Validator {
    fn of(schema: Value) -> Self {
        const NAME: &str = "events.schema.json";
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(NAME, schema).expect("JSON");
        let index = compiler.compile(NAME, &mut schemas).expect("a schema");
        Self(schemas, index)
    }

    /// Compiled once for each schema, which takes longer than a thousand checks.
    fn takes(rules: &Rules, value: &Value) -> bool {
        thread_local! {
            static COMPILED: RefCell<HashMap<String, Validator>> = RefCell::default();
        }
        let schema = of_event(rules);
        COMPILED.with_borrow_mut(|compiled| {
            let name = schema.to_string();
            let Self(schemas, index) = compiled.entry(name).or_insert_with(|| Self::of(schema));
            schemas.validate(value, *index).is_ok()
        })
    }
}

fn read(value: &Value, rules: &Rules) -> Result<Vec<Event>, Refusal> {
    // In a list: alone, it could be an envelope.
    read_json(format!("[{value}]").as_bytes(), rules, now())
}

/// Whether a fault is one of those that the schema's description leaves to the parser.
fn is_unsaid(message: &str) -> bool {
    ["is longer than", "must be an RFC 3339 time", "more than 24 h in the future"]
        .iter()
        .chain(&["is larger than", "is nested deeper than", "NUL"])
        .any(|part| message.contains(part))
}

/// Both take it, both refuse it, or the description says why they differ.
fn compare(value: &Value, rules: &Rules) -> Result<(), TestCaseError> {
    let is_valid = Validator::takes(rules, value);
    match read(value, rules) {
        Ok(_) => prop_assert!(is_valid, "refused by the schema alone: {value}"),
        Err(Refusal::Faulty { faults, .. }) if is_valid => {
            for fault in faults.listed() {
                prop_assert!(
                    is_unsaid(&fault.message),
                    "{}: {}: {value}",
                    fault.field,
                    fault.message
                );
            }
        }
        Err(Refusal::Faulty { .. }) => {}
        Err(other) => return Err(TestCaseError::fail(format!("{other:?}: {value}"))),
    }
    Ok(())
}

fn key() -> impl Strategy<Value = String> {
    let keys = FIELDS
        .iter()
        .flat_map(|(name, aliases)| std::iter::once(*name).chain(aliases.iter().copied()));
    let strange = ["events", "sentAt", "userid", "", "Type", "payload.x"];
    proptest::sample::select(keys.chain(strange).map(str::to_owned).collect::<Vec<_>>())
}

/// Values of every kind, and texts at every bound.
fn value() -> impl Strategy<Value = Value> {
    let texts = ["", " ", "undefined", " NaN ", "[OBJECT object]", "none1", "\u{feff}", "\u{a0}"]
        .into_iter()
        .chain(["a\nb", "a\u{85}", "\u{3000}null", "search", "page_view", "alias", "purchase"])
        .chain(["2025-12-15T10:30:00+01:00", "2025-12-18T10:30:00Z", "0000-00-00T00:00:00Z"])
        .map(Value::from);
    let lengths = [64, 65, 128, 129, 256, 257].into_iter();
    let lengths = lengths.flat_map(|length| ["x", "\u{e9}"].map(|x| Value::from(x.repeat(length))));
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(253_402_300_799_999_i64),
        json!([]),
        json!(["search"]),
        json!({}),
        json!({ "a": [1, null] }),
        json!({ "a": "\u{0}" }),
    ];
    proptest::sample::select(texts.chain(lengths).chain(others).collect::<Vec<_>>())
}

/// A change to an event.
#[derive(Debug, Clone)]
enum Change {
    Set(String, Value),
    Remove(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Change::Set(key, value)),
        1 => any::<prop::sample::Index>().prop_map(Change::Remove),
    ]
}

impl Change {
    fn apply(self, event: &mut Map<String, Value>) {
        match self {
            Self::Set(key, value) => {
                event.insert(key, value);
            }
            Self::Remove(at) if !event.is_empty() => {
                let key = event.keys().nth(at.index(event.len())).cloned();
                event.remove(&key.unwrap());
            }
            Self::Remove(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn what_the_parser_takes_keeps_to_the_schema(
        event in event(),
        manner in manner(),
        rules in some_rules(),
    ) {
        let sent: Value = serde_json::from_str(&manner.write(&event)).unwrap();
        compare(&sent, &rules)?;
    }

    #[test]
    fn the_schema_and_the_parser_refuse_the_same(
        event in event(),
        manner in manner(),
        changes in proptest::collection::vec(change(), 1..4),
        rules in some_rules(),
    ) {
        let sent: Value = serde_json::from_str(&manner.write(&event)).unwrap();
        let Value::Object(mut sent) = sent else { panic!("an event is an object") };
        for change in changes {
            change.apply(&mut sent);
        }
        compare(&Value::Object(sent), &rules)?;
    }

    #[test]
    fn each_field_alone_is_judged_alike(key in key(), value in value(), rules in some_rules()) {
        for others in [json!({}), json!({ "userId": "ann" }), json!({ "userId": "ann", "type": "search" })] {
            let Value::Object(mut event) = others else { panic!("an object") };
            event.insert(key.clone(), value.clone());
            compare(&Value::Object(event), &rules)?;
        }
    }
}

#[test]
fn the_schema_has_every_field_and_each_of_its_names() {
    for (name, aliases) in FIELDS {
        assert!(Field::of(name) != Field::Unknown, "{name}");
        for alias in *aliases {
            assert_eq!(Field::of(alias), Field::of(name), "{alias}");
        }
    }
    let schema = of_event(&rules());
    assert_eq!(schema["properties"].as_object().unwrap().len(), 26);
}

#[test]
fn a_list_of_types_is_in_it_with_those_of_the_tracker() {
    let rules = Rules { types: TypeRule::listed(&["search"]), ..rules() };
    let known = &of_event(&rules)["properties"]["type"]["enum"];
    for kind in ["search", "page_leave", "alias"] {
        assert!(known.as_array().unwrap().contains(&kind.into()), "{known}");
    }
    let open = of_event(&Rules { types: TypeRule::Any, ..rules });
    assert_eq!(open["properties"]["type"]["enum"], Value::Null);
}

#[test]
fn what_a_schema_cannot_say_is_in_its_description() {
    let description = of_event(&rules())["description"].as_str().unwrap().to_owned();
    for unsaid in ["bytes", "24 hours", "compact JSON", "NUL", "twice"] {
        assert!(description.contains(unsaid), "{unsaid}");
    }
}
