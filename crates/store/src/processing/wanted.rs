//! What a processor wants.

use std::collections::BTreeMap;

use trailkeep_event::Arrival;

/// Which events a processor wants, and since when: what arrived before is not its.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Every type, from this arrival number on.
    pub any: Option<Arrival>,
    /// Single types, each from its own number on.
    pub types: BTreeMap<Box<str>, Arrival>,
}

impl Wanted {
    /// Whether it is what settings with these types ask for; none are all.
    pub fn is_of(&self, types: &[Box<str>]) -> bool {
        let is_same = types.len() == self.types.len()
            && types.iter().all(|kind| self.types.contains_key(kind));
        if types.is_empty() { self.any.is_some() } else { self.any.is_none() && is_same }
    }

    /// Whether it wants an event of this type that has this number.
    pub fn wants(&self, kind: &str, arrival: Arrival) -> bool {
        let is_since = |since: &Arrival| arrival >= *since;
        self.any.as_ref().is_some_and(is_since) || self.types.get(kind).is_some_and(is_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_ask_for_what_is_wanted_or_for_something_else() {
        let since = Arrival::from_i64(1);
        let of = |any: bool, types: &[&str]| Wanted {
            any: any.then_some(since),
            types: types.iter().map(|kind| ((*kind).into(), since)).collect(),
        };
        let types = |types: &[&str]| types.iter().map(|kind| (*kind).into()).collect::<Vec<_>>();
        assert!(of(true, &["a"]).is_of(&types(&[])));
        assert!(of(false, &["a", "b"]).is_of(&types(&["b", "a"])));
        for (any, wanted, asked) in [
            (false, &["a"][..], &[][..]),
            (true, &["a"], &["a"]),
            (false, &["a"], &["b"]),
            (false, &["a"], &["a", "b"]),
            (false, &["a", "b"], &["a"]),
        ] {
            assert!(!of(any, wanted).is_of(&types(asked)), "{wanted:?} {asked:?}");
        }
    }

    #[test]
    fn a_type_is_wanted_from_its_own_number_on_or_with_all_others() {
        let since = Arrival::from_i64;
        let types = BTreeMap::from([("order".into(), since(5))]);
        let wanted = Wanted { any: Some(since(10)), types };
        for (kind, arrival, is_wanted) in
            [("order", 4, false), ("order", 5, true), ("view", 9, false), ("view", 10, true)]
        {
            assert_eq!(wanted.wants(kind, since(arrival)), is_wanted, "{kind} {arrival}");
        }
    }
}
