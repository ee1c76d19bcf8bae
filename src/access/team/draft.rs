//! Settings in the making: each value is held against its rule as it comes, and all that is
//! wrong is told at once.

use std::borrow::Cow;
use std::collections::btree_map::Entry;

use trailkeep_event::fault::clip;
use trailkeep_event::{Fault, Faults};

use super::path::{FORM, KeyPath};
use super::sentence::Sentence;
use super::settings::TeamSettings;

/// Types that have a sentence at the most, that are hidden, and that have pinned keys.
pub const MAX_TYPES: usize = 500;

/// Keys of one type that are pinned at the most: they stand in one line.
pub const MAX_PINNED: usize = 3;

/// As of an event.
const MAX_TYPE_BYTES: usize = 64;

/// What the fields are called where they come from.
pub const SENTENCES: &str = "sentences";
pub const HIDDEN_TYPES: &str = "hiddenTypes";
pub const PINNED_KEYS: &str = "pinnedKeys";

/// Settings in the making.
#[derive(Debug, Default)]
pub struct Draft {
    settings: TeamSettings,
    faults: Faults,
}

impl Draft {
    /// Whether so many entries of a field may come; where not, none of them is looked at.
    pub fn may_have(&mut self, field: &'static str, entries: usize) -> bool {
        let is_fine = entries <= MAX_TYPES;
        if !is_fine {
            self.fault(field, format!("must have at most {MAX_TYPES}"));
        }
        is_fine
    }

    /// What is said of events of a type.
    pub fn say(&mut self, kind: &str, text: &str) {
        let field = of_type(SENTENCES, kind);
        if !self.is_type(&field, kind) {
            return;
        }
        match (Sentence::parse(text), self.settings.sentences.entry(kind.into())) {
            (Err(error), _) => self.fault(field, error.to_string()),
            (_, Entry::Occupied(_)) => self.fault(field, TWICE),
            (Ok(sentence), Entry::Vacant(place)) => drop(place.insert(sentence)),
        }
    }

    /// The type at this place of the list is hidden. There may be others like it.
    pub fn hide(&mut self, place: usize, kind: &str) {
        if self.is_type(&format!("{HIDDEN_TYPES}[{place}]"), kind) {
            self.settings.hidden_types.insert(kind.into());
        }
    }

    /// The keys that are pinned for a type; `None` stands for one that is no text.
    pub fn pin(&mut self, kind: &str, keys: &[Option<&str>]) {
        let field = of_type(PINNED_KEYS, kind);
        if !self.is_type(&field, kind) {
            return;
        }
        if keys.len() > MAX_PINNED {
            return self.fault(field, format!("must have at most {MAX_PINNED} keys"));
        }
        if self.settings.pinned_keys.contains_key(kind) {
            return self.fault(field, TWICE);
        }
        let mut pinned = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let field = || format!("{field}[{place}]");
            match key.and_then(KeyPath::new) {
                None => self.fault(field(), format!("must be a string, {FORM}")),
                Some(path) if pinned.contains(&path) => self.fault(field(), TWICE),
                Some(path) => pinned.push(path),
            }
        }
        self.settings.pinned_keys.insert(kind.into(), pinned);
    }

    /// Whether the pages ask why before somebody looks at a user.
    pub fn ask_for_reason(&mut self, asks: bool) {
        self.settings.asks_for_reason = asks;
    }

    /// Something else is wrong with what was sent.
    pub fn fault(&mut self, field: impl Into<String>, message: impl Into<Cow<'static, str>>) {
        self.faults.add(|| Fault::of(field, message));
    }

    /// The settings, or all that is wrong with them, as far as it is told.
    pub fn finish(self) -> Result<TeamSettings, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.settings) } else { Err(self.faults.listed().to_vec()) }
    }

    fn is_type(&mut self, field: &str, kind: &str) -> bool {
        let is_type =
            (1..=MAX_TYPE_BYTES).contains(&kind.len()) && !kind.contains(char::is_control);
        if !is_type {
            let rule = format!(
                "must be a type of 1 to {MAX_TYPE_BYTES} bytes without control \
                                characters"
            );
            self.fault(field, rule);
        }
        is_type
    }
}

/// Of two values for one thing, neither is known to be the right one.
pub const TWICE: &str = "is there twice";

/// What is set for a type, as it is named where it is at fault.
pub fn of_type(field: &str, kind: &str) -> String {
    format!("{field}.{}", clip(kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn fields(draft: Draft) -> Vec<String> {
        draft.finish().unwrap_err().into_iter().map(|fault| fault.field).collect()
    }

    fn text(text: impl ToString) -> Box<str> {
        text.to_string().into()
    }

    #[test]
    fn what_keeps_to_the_rules_is_taken_as_it_is() {
        let (kind, sentence) = ("ж".repeat(32), "ж".repeat(200));
        let mut draft = Draft::default();
        draft.say(&kind, &sentence);
        for (place, hidden) in ["$x", "a.b", &kind, "a.b"].into_iter().enumerate() {
            draft.hide(place, hidden);
        }
        draft.pin("none", &[]);
        draft.pin(&kind, &[Some("total"), Some("cart.total"), Some("$cart.total")]);
        draft.ask_for_reason(true);
        let settings = draft.finish().unwrap();
        assert_eq!(settings.sentences[&text(&kind)].to_string(), sentence);
        assert!(settings.hidden_types.iter().eq(&["$x", "a.b", &kind].map(text)));
        assert_eq!(settings.pinned_keys[&text("none")], []);
        let pinned: Vec<_> =
            settings.pinned_keys[&text(&kind)].iter().map(ToString::to_string).collect();
        assert_eq!(pinned, ["total", "cart.total", "$cart.total"]);
        assert!(settings.asks_for_reason);
        assert_eq!(settings.updated_at, None);
    }

    #[test]
    fn all_that_is_wrong_is_named() {
        let long = "x".repeat(65);
        let mut draft = Draft::default();
        draft.say("fine", "Signed in");
        draft.say("open", "Placed {orderId");
        draft.say("fine", "Signed in again");
        draft.say(&long, "too long");
        draft.say("", "empty");
        draft.hide(0, "fine");
        draft.hide(1, "a\nb");
        draft.pin("fine", &[Some("a"), None, Some(""), Some("a")]);
        draft.pin("fine", &[Some("a"), None, Some("a")]);
        draft.pin("a\u{7f}", &[]);
        draft.pin("fine", &[]);
        let clipped = format!("{}...", "x".repeat(64));
        let expected = [
            "sentences.open",
            "sentences.fine",
            &format!("sentences.{clipped}"),
            "sentences.",
            "hiddenTypes[1]",
            "pinnedKeys.fine",
            "pinnedKeys.fine[1]",
            "pinnedKeys.fine[2]",
            "pinnedKeys.a\u{7f}",
            "pinnedKeys.fine",
        ];
        assert_eq!(fields(draft), expected);
    }

    #[test]
    fn five_hundred_entries_may_come_and_no_more() {
        let mut draft = Draft::default();
        assert!(draft.may_have(SENTENCES, 500));
        assert!(!draft.may_have(HIDDEN_TYPES, 501));
        assert_eq!(fields(draft), [HIDDEN_TYPES]);
    }
}
