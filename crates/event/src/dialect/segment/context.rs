//! The `context` of a call, or of all calls of a batch.

use std::borrow::Cow;

use serde::de::MapAccess;

use crate::agent::clipped;
use crate::dialect::batch::Batch;
use crate::dialect::parts::{Parts, Role};
use crate::dialect::values::{ReadFields, fields, id, likely_id, scalar, skip};
use crate::json::{Key, Scalar};

/// What of a context is kept in payloads.
const KEPT: [&str; 10] = [
    "page", "campaign", "referrer", "locale", "timezone", "os", "device", "app", "library",
    "screen",
];

/// Bytes, as BSON, of a context that stands for all calls of a batch: it comes again with
/// each of them.
const MOST_FOR_ALL: usize = 1 << 10;

/// The number under which its traits are.
pub const TRAITS: u8 = 1;

/// What it says beside what is in payloads.
#[derive(Default)]
pub struct Said<'de> {
    pub session_id: Option<Scalar<'de>>,
    pub group_id: Option<Scalar<'de>>,
    pub user_agent: Option<Cow<'de, str>>,
    pub address: Option<Cow<'de, str>>,
}

/// Reads one into a payload.
pub struct ContextReader<'p, 'r, 'de> {
    pub parts: &'p mut Parts<'r>,
    pub said: &'p mut Said<'de>,
}

impl<'de> ReadFields<'de> for ContextReader<'_, '_, 'de> {
    fn fields<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { parts, said } = self;
        while let Some(key) = map.next_key_seed(Key)? {
            match &*key {
                "sessionId" => said.session_id = Some(scalar(&mut map)?),
                "groupId" => said.group_id = Some(scalar(&mut map)?),
                "userAgent" => said.user_agent = text(scalar(&mut map)?),
                "ip" => said.address = text(scalar(&mut map)?),
                "traits" => parts.take_object(Role::Traits(TRAITS), "traits", &mut map)?,
                key if KEPT.contains(&key) => parts.take(Role::Beside, key, &mut map)?,
                _ => skip(&mut map)?,
            }
        }
        Ok(())
    }
}

fn text(value: Scalar<'_>) -> Option<Cow<'_, str>> {
    match value {
        Scalar::Text(text) => Some(text),
        _ => None,
    }
}

/// That of all calls of a batch, which is the default of each.
#[derive(Default)]
pub struct Context {
    /// What is kept in payloads: elements without a document around them.
    pub elements: Vec<u8>,
    pub session_id: Option<Box<str>>,
    pub group_id: Option<Box<str>>,
    /// The id and the company among its traits.
    pub user_id: Option<Box<str>>,
    pub company: Option<Box<str>>,
    pub user_agent: Option<Box<str>>,
    pub address: Option<Box<str>>,
}

impl Context {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        let texts =
            [&self.session_id, &self.group_id, &self.user_id, &self.company, &self.user_agent];
        self.elements.is_empty() && self.address.is_none() && texts.into_iter().all(Option::is_none)
    }
}

/// Reads that of a batch. One that is larger than 1 KiB stands for no call, and the batch is
/// refused, which says so.
pub fn of_batch<'de, A: MapAccess<'de>>(
    batch: &mut Batch<'_>,
    map: &mut A,
) -> Result<Context, A::Error> {
    let mut said = Said::default();
    let mut parts = Parts::new(batch.terms.rules.payload, &mut batch.room);
    let wrong = fields(map, ContextReader { parts: &mut parts, said: &mut said })?;
    let elements = parts.beside(MOST_FOR_ALL);
    let [user_id, company] = [&["id"][..], &["company", "id"]]
        .map(|path| boxed(likely_id(parts.of_traits(TRAITS, path))));
    if let Some(kind) = wrong {
        batch.wrong_form("context", format!("must be an object, not {kind}"));
    } else if elements.is_none() {
        batch.wrong_form(
            "context",
            format!("is larger than {MOST_FOR_ALL} bytes beside a batch; put it into each call"),
        );
    }
    let clip = |text: Option<Cow<'_, str>>| text.map(|text| clipped(&text).into());
    Ok(Context {
        elements: elements.unwrap_or_default(),
        session_id: said.session_id.and_then(|value| boxed(likely_id(value))),
        group_id: said.group_id.and_then(|value| boxed(likely_id(value))),
        user_id,
        company,
        user_agent: clip(said.user_agent),
        address: clip(said.address),
    })
}

fn boxed(value: Scalar<'_>) -> Option<Box<str>> {
    match id(value) {
        Scalar::Text(text) => Some((&*text).into()),
        _ => None,
    }
}
