//! Parameters of a query. Every fault is found, and a parameter that no route
//! knows is one: a misspelt filter must not show what was not asked for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::str::FromStr;

use trailkeep_event::{Fault, Timestamp};

use super::problem::Problem;

/// Bytes of the longest id that an event may have.
const MAX_ID: usize = 256;

/// Why a text cannot be an id that an event has; `None` where it can.
pub fn fault_of_id(id: &str) -> Option<Cow<'static, str>> {
    if !(1..=MAX_ID).contains(&id.len()) {
        return Some(format!("must have 1 to {MAX_ID} bytes").into());
    }
    id.chars().any(char::is_control).then(|| "holds a control character".into())
}

/// The parameters of one request while they are read.
pub struct Parameters {
    values: HashMap<String, Vec<String>>,
    faults: Vec<Fault>,
}

impl Parameters {
    /// Takes a query apart.
    pub fn parse(query: Option<&str>) -> Self {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Self { values, faults: Vec::new() }
    }

    /// Notes that a parameter is out of its rule.
    pub fn fault(&mut self, name: &str, message: impl Into<Cow<'static, str>>) {
        self.faults.push(Fault::of(name, message));
    }

    /// Notes a fault where a text cannot be an id that an event has.
    pub fn check_id(&mut self, name: &str, id: &str) {
        if let Some(fault) = fault_of_id(id) {
            self.fault(name, fault);
        }
    }

    /// Whether a parameter is given and not read yet.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A parameter that may be given any number of times.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.values.remove(name).unwrap_or_default()
    }

    /// A parameter that may be given once.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.fault(name, "may be given only once");
        }
        values.pop()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.fault(name, "must be true or false");
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn number<T>(&mut self, name: &str, range: std::ops::RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let text = self.text(name)?;
        match text.parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let (low, high) = (range.start(), range.end());
                self.fault(name, format!("must be a whole number from {low} to {high}"));
                None
            }
        }
    }

    /// A time.
    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        let hint = "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z; \
                    a plus sign in it is written %2B";
        self.read(name, Timestamp::parse_rfc3339, hint)
    }

    /// Where the page before ended, as `nextCursor` told it.
    pub fn cursor<T>(&mut self, decode: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.read("cursor", decode, "must be the nextCursor of an earlier page")
    }

    /// A parameter that has to be readable; `rule` says what is.
    fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
        rule: &'static str,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            self.fault(name, rule);
        }
        value
    }

    /// Ends the reading: a fault for all that was not asked for, and the
    /// answer if anything is at fault.
    pub fn finish(mut self) -> Result<(), Problem> {
        let mut unknown: Vec<String> = self.values.drain().map(|(name, _)| name).collect();
        unknown.sort_unstable();
        for name in unknown {
            self.fault(&name, "is not a parameter of this route");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::invalid_parameters(self.faults)) }
    }
}
