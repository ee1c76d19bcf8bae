//! How long events are kept after their receipt: by their type.
//!
//! What belongs to an event goes with it: its dead letter, and a day later its outcomes.
//! What is known of users serves all of their events, so it stays for as long as the events
//! that are kept longest.

use std::collections::BTreeMap;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long events are kept after their receipt. `None` is for good, wherever it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    others: Option<Duration>,
    untyped: Option<Duration>,
    /// Those that differ from `others`.
    by_type: BTreeMap<Box<str>, Option<Duration>>,
}

impl Retention {
    /// All events are kept for that long.
    pub const fn of_all(kept: Option<Duration>) -> Self {
        Self { others: kept, untyped: kept, by_type: BTreeMap::new() }
    }

    /// Events of these types are kept for that long instead.
    #[must_use]
    pub fn with_types(
        mut self,
        types: impl IntoIterator<Item = (Box<str>, Option<Duration>)>,
    ) -> Self {
        self.by_type.extend(types);
        self.by_type.retain(|_, kept| *kept != self.others);
        self
    }

    /// How long events of a type are kept.
    pub fn of(&self, kind: &str) -> Option<Duration> {
        self.by_type.get(kind).copied().unwrap_or(self.others)
    }

    /// How long those are kept whose type is not among [`types`](Self::types).
    pub fn of_others(&self) -> Option<Duration> {
        self.others
    }

    /// How long what has no type is kept.
    pub fn of_untyped(&self) -> Option<Duration> {
        self.untyped
    }

    /// The types that are kept for another time than all others, by name.
    pub fn types(&self) -> impl Iterator<Item = (&str, Option<Duration>)> {
        self.by_type.iter().map(|(kind, kept)| (&**kind, *kept))
    }

    /// Whether types differ.
    pub fn is_by_type(&self) -> bool {
        !self.by_type.is_empty()
    }

    /// After how long the first events go; `None` where none ever does.
    pub fn shortest(&self) -> Option<Duration> {
        self.all().flatten().min()
    }

    /// After how long the last events are gone; `None` where some are kept for good.
    pub fn longest(&self) -> Option<Duration> {
        self.all().try_fold(Duration::ZERO, |longest, kept| Some(longest.max(kept?)))
    }

    /// How long outcomes are kept, from the receipt of their events. Each outlives its event by
    /// a day: until that is gone, it says that it is done. One whose event was gone has no type,
    /// and goes with the first.
    #[must_use]
    pub fn of_outcomes(&self) -> Self {
        let longer = |kept: Option<Duration>| kept.map(|kept| kept.saturating_add(DAY));
        let by_type = self.by_type.iter().map(|(kind, kept)| (kind.clone(), longer(*kept)));
        Self {
            others: longer(self.others),
            untyped: longer(self.shortest()),
            by_type: by_type.collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = Option<Duration>> {
        self.by_type.values().copied().chain([self.others])
    }
}

/// Events of one type, and of one age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aged {
    /// Their type.
    pub kind: Box<str>,
    /// Whole days since their receipt.
    pub days: u64,
    /// How many there are.
    pub events: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention(others: Option<u32>, types: &[(&str, Option<u32>)]) -> Retention {
        let days = |days: Option<u32>| days.map(|days| DAY * days);
        let types = types.iter().map(|(kind, kept)| ((*kind).into(), days(*kept)));
        Retention::of_all(days(others)).with_types(types)
    }

    #[test]
    fn a_type_has_its_own_time_and_others_have_theirs() {
        let kept = retention(Some(30), &[("order", None), ("page_view", Some(7))]);
        assert_eq!(kept.of("page_view"), Some(DAY * 7));
        assert_eq!(kept.of("order"), None);
        assert_eq!(kept.of("login"), Some(DAY * 30));
        assert_eq!((kept.shortest(), kept.longest()), (Some(DAY * 7), None));
        let outcomes = kept.of_outcomes();
        assert_eq!((outcomes.of("page_view"), outcomes.of("order")), (Some(DAY * 8), None));
        assert_eq!((kept.of_untyped(), outcomes.of_untyped()), (Some(DAY * 30), Some(DAY * 8)));
    }

    #[test]
    fn what_is_kept_like_all_others_is_no_type_of_its_own() {
        let kept = retention(Some(30), &[("order", Some(30))]);
        assert_eq!(kept, Retention::of_all(Some(DAY * 30)));
        assert_eq!((kept.shortest(), kept.longest()), (Some(DAY * 30), Some(DAY * 30)));
    }

    #[test]
    fn where_nothing_goes_there_is_no_time() {
        let kept = Retention::default();
        assert_eq!((kept.shortest(), kept.longest()), (None, None));
        let kept = retention(None, &[("page_view", Some(7))]);
        assert_eq!((kept.shortest(), kept.longest()), (Some(DAY * 7), None));
    }
}
