//! The properties of an event: which of them are fields, and which are its payload.

use std::borrow::Cow;

use serde::de::{Error, MapAccess};

use crate::dialect::parts::{Parts, Role};
use crate::dialect::values::{ReadFields, id, is_some, scalar, skip};
use crate::json::{JsonReader, Key, Read, Scalar};

/// The numbers under which traits are: those that are set, those that are set once, and
/// those of an account.
pub const SET: u8 = 0;
pub const SET_ONCE: u8 = 1;
pub const GROUP_SET: u8 = 2;

/// What properties say beside what is in the payload.
#[derive(Default)]
pub struct Said<'de> {
    pub distinct_id: Option<Scalar<'de>>,
    pub anonymous_id: Option<Scalar<'de>>,
    pub device_id: Option<Scalar<'de>>,
    pub session_id: Option<Scalar<'de>>,
    pub insert_id: Option<Scalar<'de>>,
    pub token: Option<Scalar<'de>>,
    pub group: Option<Scalar<'de>>,
    pub user_agent: Option<Cow<'de, str>>,
    pub address: Option<Cow<'de, str>>,
    /// Of what is sent by a library whose aliases go the other way round.
    pub lib: Option<Cow<'de, str>>,
    /// When it was sent says nothing of when it happened.
    pub ignores_sent_at: bool,
    /// The sender does not know yet who it is.
    pub is_visitor: bool,
}

/// Reads them.
pub struct PropertiesReader<'p, 'r, 'de> {
    pub parts: &'p mut Parts<'r>,
    pub said: &'p mut Said<'de>,
}

impl<'de> ReadFields<'de> for PropertiesReader<'_, '_, 'de> {
    fn fields<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { parts, said } = self;
        while let Some(key) = map.next_key_seed(Key)? {
            // Most are the sender's own, which one byte tells.
            match key.as_bytes().first() {
                Some(b'$') => read_known(&key, parts, said, &mut map)?,
                Some(b'd') if key == "distinct_id" => said.distinct_id = Some(scalar(&mut map)?),
                Some(b't') if key == "token" => said.token = Some(scalar(&mut map)?),
                _ => parts.take(Role::Own, &key, &mut map)?,
            }
        }
        Ok(())
    }
}

fn read_known<'de, A: MapAccess<'de>>(
    key: &str,
    parts: &mut Parts<'_>,
    said: &mut Said<'de>,
    map: &mut A,
) -> Result<(), A::Error> {
    match key {
        "$set" => parts.take_object(Role::Traits(SET), "traits", map),
        "$set_once" => parts.take_object(Role::Traits(SET_ONCE), "traits", map),
        "$group_set" => parts.take_object(Role::Traits(GROUP_SET), "traits", map),
        "$groups" => {
            said.group = Some(map.next_value_seed(Read(Groups))?);
            Ok(())
        }
        "$ip" => put_text(&mut said.address, map),
        "$raw_user_agent" | "$user_agent" | "$useragent" => put_text(&mut said.user_agent, map),
        "$lib" => put_text(&mut said.lib, map),
        "$ignore_sent_at" => {
            said.ignores_sent_at = map.next_value_seed(Read(Flag))? == Some(true);
            Ok(())
        }
        "$is_identified" => {
            said.is_visitor = map.next_value_seed(Read(Flag))? == Some(false);
            Ok(())
        }
        "$window_id" | "$user_id" => skip(map),
        key if key.starts_with("$lib") => skip(map),
        _ => {
            let slot = match key {
                "$distinct_id" => &mut said.distinct_id,
                "$anon_distinct_id" => &mut said.anonymous_id,
                "$device_id" => &mut said.device_id,
                "$session_id" => &mut said.session_id,
                "$insert_id" => &mut said.insert_id,
                _ => return parts.take(Role::Own, key, map),
            };
            *slot = Some(scalar(map)?);
            Ok(())
        }
    }
}

fn put_text<'de, A: MapAccess<'de>>(
    slot: &mut Option<Cow<'de, str>>,
    map: &mut A,
) -> Result<(), A::Error> {
    if let Scalar::Text(text) = scalar(map)? {
        *slot = Some(text);
    }
    Ok(())
}

/// `true` or `false`.
struct Flag;

impl<'de> JsonReader<'de> for Flag {
    type Value = Option<bool>;

    fn boolean<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn other<E: Error>(self, _kind: &'static str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// The accounts of a user, by their kinds: the company, else the first.
struct Groups;

impl<'de> JsonReader<'de> for Groups {
    type Value = Scalar<'de>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut group = Scalar::Null;
        while let Some(kind) = map.next_key_seed(Key)? {
            let key = id(scalar(&mut map)?);
            if kind == "company" || !is_some(&group) {
                group = key;
            }
            if kind == "company" {
                while map.next_key_seed(Key)?.is_some() {
                    skip(&mut map)?;
                }
                break;
            }
        }
        Ok(group)
    }

    fn other<E: Error>(self, _kind: &'static str) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }
}
