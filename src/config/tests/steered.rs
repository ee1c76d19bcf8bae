//! How a processor is steered: what it wants of the past, how fast, and what follows a dead
//! letter.

use chrono::DateTime;

use super::*;

#[test]
fn what_a_new_one_wants_of_the_past_is_a_word_or_a_time() {
    let from = |text: &str| {
        let values =
            [("processors.default.url", "http://a.example"), ("processors.default.from", text)];
        Settings::with(values).map(|settings| settings.processors["default"].from)
    };
    assert_eq!(from("now").unwrap(), From::Now);
    assert_eq!(from("beginning").unwrap(), From::Beginning);
    let moment = DateTime::parse_from_rfc3339("2026-01-31T01:00:00+01:00").unwrap().to_utc();
    assert_eq!(from("2026-01-31T00:00:00Z").unwrap(), From::Moment(moment));
    for wrong in ["", "yesterday", "2026-01-31", "0"] {
        let [told] = &messages(Settings::with([("processors.default.from", wrong)]))[..] else {
            panic!("{wrong:?}")
        };
        assert!(told.contains("\"beginning\" or a time"), "{told}");
    }
}

#[test]
fn a_rate_of_0_is_none_and_no_file_of_authorities_neither() {
    let settings = Settings::with([("processors.default.url", "http://a.example")]).unwrap();
    let processor = &settings.processors["default"];
    assert_eq!((processor.rate_per_second, &processor.authorities_file), (None, &None));
    assert!(!processor.holds);
    let settings = Settings::with([
        ("processors.default.url", "http://a.example"),
        ("processors.default.rate_per_second", "7"),
        ("processors.default.authorities_file", "ca.pem"),
        ("processors.default.after_dead_letter", "hold"),
    ])
    .unwrap();
    let processor = &settings.processors["default"];
    assert_eq!(processor.rate_per_second, Some(7));
    assert_eq!(processor.authorities_file.as_deref(), Some(std::path::Path::new("ca.pem")));
    assert!(processor.holds);
}
