//! Types whose events are kept for another time than all others.

use std::collections::BTreeMap;
use std::time::Duration;

use super::names::{MAX_TYPE_BYTES, is_clean};

/// Each is an index in the database.
const MOST: usize = 16;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// What MongoDB can count, which is seconds in 31 bits.
const MAX_DAYS: u64 = 24_855;

/// Checks the list, whose items are like `page_view=30`; the error says what is allowed.
/// `None` is for good.
pub fn parse(items: &[String]) -> Result<BTreeMap<String, Option<Duration>>, String> {
    let mut types = BTreeMap::new();
    for item in items {
        let (kind, days) = parse_one(item).ok_or_else(|| {
            format!(
                "must be a list of a type, \"=\" and its days, 0 to {MAX_DAYS}, such as \
                 \"page_view=30\"; {item:?} is not"
            )
        })?;
        if types.insert(kind.to_owned(), days).is_some() {
            return Err(format!("must name each type once; {kind:?} is there twice"));
        }
    }
    if types.len() > MOST {
        return Err(format!("must have at most {MOST} types: each is an index in the database"));
    }
    Ok(types)
}

/// A type may have an equals sign in it.
fn parse_one(item: &str) -> Option<(&str, Option<Duration>)> {
    let (kind, days) = item.rsplit_once('=')?;
    let (kind, days) = (kind.trim(), days.trim().parse::<u64>().ok()?);
    let is_type = (1..=MAX_TYPE_BYTES).contains(&kind.len()) && is_clean(kind);
    (is_type && days <= MAX_DAYS).then(|| (kind, kept_for(days)))
}

/// So many days; 0 is for good.
pub fn kept_for(days: u64) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(days.saturating_mul(SECONDS_A_DAY)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse_each(items: &[&str]) -> Result<BTreeMap<String, Option<Duration>>, String> {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        parse(&items)
    }

    #[test]
    fn a_type_has_its_days_and_none_at_zero() {
        let types = parse_each(&["page_view=30", "a=b = 1", "order=0"]).unwrap();
        let days = |days: u64| Some(Duration::from_secs(days * 86_400));
        assert_eq!(
            types.into_iter().collect::<Vec<_>>(),
            [
                ("a=b".to_owned(), days(1)),
                ("order".to_owned(), None),
                ("page_view".to_owned(), days(30)),
            ]
        );
    }

    #[test]
    fn what_is_no_type_with_days_is_refused() {
        let long = format!("{}=1", "x".repeat(65));
        for wrong in ["", "order", "=1", "order=", "order=-1", "order=24856", "a\nb=1", &long] {
            let rule = parse_each(&["page_view=30", wrong]).unwrap_err();
            assert!(rule.ends_with(&format!("{wrong:?} is not")), "{rule}");
        }
        let rule = parse_each(&["order=1", "order=2"]).unwrap_err();
        assert_eq!(rule, "must name each type once; \"order\" is there twice");
        let many: Vec<String> = (0..17).map(|n| format!("t{n}=1")).collect();
        assert!(parse(&many).unwrap_err().starts_with("must have at most 16 types"));
    }
}
