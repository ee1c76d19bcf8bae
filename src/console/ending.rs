//! When a key or a token ends: read from a form, and told.

use chrono::NaiveDate;
use trailkeep_event::Timestamp;

use super::sight::{Sight, When, length};
use crate::http::query::Parameters;

/// From here on an end is near.
const NEAR_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// When something ends, as a page tells it.
pub enum Ending {
    Never,
    /// The last day.
    On(When),
    /// The same, and how long that is.
    Soon(When, String),
    Over(When),
}

impl Ending {
    /// Of what ends then. What ends at midnight was good until the day before.
    pub fn of(end: Option<Timestamp>, sight: &Sight) -> Self {
        let Some(end) = end else { return Self::Never };
        let last = sight.date(end.plus_millis(-1));
        match end.as_millis() - sight.now.as_millis() {
            ..=0 => Self::Over(last),
            left @ 1..NEAR_MS => Self::Soon(last, length(left).to_string()),
            _ => Self::On(last),
        }
    }
}

/// The end of the day that a form names as the last one; `None` where it names none.
pub fn typed(form: &mut Parameters, field: &str, sight: &Sight) -> (String, Option<Timestamp>) {
    let text = form.text(field).unwrap_or_default();
    let text = text.trim().to_owned();
    if text.is_empty() {
        return (text, None);
    }
    let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    let next = day.and_then(|day| day.succ_opt());
    if next.is_none() {
        form.fault(field, "must be a day, such as 2027-12-31");
    }
    (text, next.map(|next| sight.start_of(next)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]

    use chrono_tz::Tz;

    use super::*;
    use crate::console::sight::Theme;

    fn sight(now: &str) -> Sight {
        Sight {
            zone: Tz::Europe__Berlin,
            theme: Theme::Auto,
            now: Timestamp::parse_rfc3339(now).unwrap(),
            place: String::new(),
        }
    }

    #[test]
    fn the_last_day_counts_to_its_end_in_the_zone_of_the_page() {
        let sight = sight("2025-12-15T10:30:00Z");
        let mut form = Parameters::parse(Some("day=2025-12-31"));
        let (_, end) = typed(&mut form, "day", &sight);
        assert_eq!(end.unwrap().to_string(), "2025-12-31T23:00:00.000Z");
        let Ending::On(last) = Ending::of(end, &sight) else { panic!("it is far") };
        assert_eq!(last.text, "31 December");
    }

    #[test]
    fn what_is_near_says_how_near() {
        let sight = sight("2025-12-15T10:30:00Z");
        let at = |text| Ending::of(Timestamp::parse_rfc3339(text), &sight);
        assert!(matches!(at("2025-12-18T10:30:00Z"), Ending::Soon(_, left) if left == "3 days"));
        assert!(matches!(at("2025-12-15T10:30:00Z"), Ending::Over(_)));
        assert!(matches!(Ending::of(None, &sight), Ending::Never));
    }

    #[test]
    fn what_is_no_day_is_a_fault() {
        let sight = sight("2025-12-15T10:30:00Z");
        for text in ["tomorrow", "2025-13-01", "31.12.2025"] {
            let mut form = Parameters::parse(Some(&format!("day={text}")));
            assert_eq!(typed(&mut form, "day", &sight).1, None);
            assert!(form.finish().is_err(), "{text}");
        }
        let mut form = Parameters::parse(Some("day="));
        assert_eq!(typed(&mut form, "day", &sight), (String::new(), None));
        assert!(form.finish().is_ok());
    }
}
