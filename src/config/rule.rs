//! What a setting may be, as its tag in the table says it.
//!
//! | tag | what is allowed |
//! | --- | --- |
//! | `1 to 65535` | a whole number; underscores are read over |
//! | `10 ms to 1 h`, `1 KiB to 256 MiB`, `0 days to 90 days` | the same, its bounds in any unit that goes with the end of the setting's name |
//! | `true or false` | a switch |
//! | `"auto", "always" or "never"` | one of these words |
//! | `text`, `list` | a text, a list of texts; more is said where its field is read |
//! | `URI with a secret`, `http or https URL`, `list of secrets`, `list of name:secret`, `list of Name: secret` | the same, shown without what is secret |

use toml::Value;

use super::{headers, mongodb_uri, processor_url, webhook_secret, write_key};

/// What a setting may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Number {
        least: i64,
        most: i64,
        /// What the number counts, as the end of a phrase.
        unit: &'static str,
    },
    Switch,
    Word {
        words: Vec<String>,
        /// The tag, which tells them.
        told: String,
    },
    Text,
    Uri,
    Url,
    List,
    Secrets,
    NamedSecrets,
    Headers,
}

impl Rule {
    /// Reads the tag of the setting with that name; `None` for what is no tag.
    pub fn parse(tag: &str, name: &str) -> Option<Self> {
        Some(match tag {
            "true or false" => Self::Switch,
            "text" => Self::Text,
            "list" => Self::List,
            "URI with a secret" => Self::Uri,
            "http or https URL" => Self::Url,
            "list of secrets" => Self::Secrets,
            "list of name:secret" => Self::NamedSecrets,
            "list of Name: secret" => Self::Headers,
            _ if tag.starts_with('"') => words(tag)?,
            _ => number(tag, name)?,
        })
    }

    /// Whether a value has the right form and is within its bounds; the error says
    /// what is allowed.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let is_text = |value: &Value| value.is_str();
        let (is_right, rule) = match self {
            Self::Number { least, most, unit } => {
                let number = value.as_integer();
                let is_right = number.is_some_and(|number| (*least..=*most).contains(&number));
                (is_right, format!("a whole number{unit} from {least} to {most}"))
            }
            Self::Switch => (value.is_bool(), "true or false".to_owned()),
            Self::Word { words, told } => {
                let is_right =
                    value.as_str().is_some_and(|word| words.iter().any(|one| one == word));
                (is_right, told.clone())
            }
            Self::Text | Self::Uri | Self::Url => (is_text(value), "text in quotes".to_owned()),
            Self::List | Self::Secrets | Self::NamedSecrets | Self::Headers => (
                value.as_array().is_some_and(|items| items.iter().all(is_text)),
                "a list of texts, such as [\"a\", \"b\"]".to_owned(),
            ),
        };
        if is_right { Ok(()) } else { Err(format!("must be {rule}")) }
    }

    /// A value given as text, as in the environment. Text that does not have the
    /// form stays text, for [`check`](Self::check) to refuse.
    pub fn value_from_text(&self, text: &str) -> Value {
        let as_given = || Value::String(text.to_owned());
        match self {
            Self::Number { .. } => text.parse().map_or_else(|_| as_given(), Value::Integer),
            Self::Switch => text.parse().map_or_else(|_| as_given(), Value::Boolean),
            Self::List | Self::Secrets | Self::NamedSecrets | Self::Headers => Value::Array(
                text.split(',').map(|item| Value::String(item.trim().to_owned())).collect(),
            ),
            Self::Word { .. } | Self::Text | Self::Uri | Self::Url => as_given(),
        }
    }

    /// A value as TOML on one line, without what is secret, whatever its form.
    pub fn show(&self, value: &Value) -> String {
        match self {
            Self::Uri => literal(value, &mongodb_uri::mask),
            Self::Url => literal(value, &processor_url::mask),
            Self::Secrets => literal(value, &webhook_secret::mask),
            Self::NamedSecrets => literal(value, &write_key::mask),
            Self::Headers => literal(value, &headers::mask),
            _ => literal(value, &str::to_owned),
        }
    }
}

/// `"a", "b" or "c"`.
fn words(tag: &str) -> Option<Rule> {
    let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
    let pieces: Vec<&str> = inside.split('"').collect();
    let is_right = |(index, piece): (usize, &&str)| match index % 2 {
        0 => !piece.is_empty(),
        _ => [", ", " or "].contains(piece),
    };
    let words = pieces.iter().step_by(2).map(|word| (*word).to_owned()).collect();
    let is_tag = pieces.len() % 2 == 1 && pieces.iter().enumerate().all(is_right);
    is_tag.then(|| Rule::Word { words, told: tag.to_owned() })
}

/// `1 to 65535`, or with units, of which the end of the name says the number's.
fn number(tag: &str, name: &str) -> Option<Rule> {
    let end = name.rsplit('_').next()?;
    let bound = |text: &str| {
        let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
        digits.replace('_', "").parse::<i64>().ok()?.checked_mul(factor(end, unit)?)
    };
    let (least, most) = tag.split_once(" to ")?;
    let (least, most) = (bound(least)?, bound(most)?);
    let unit = match end {
        "ms" => " of milliseconds",
        "bytes" => " of bytes",
        "days" => " of days",
        _ => "",
    };
    (least < most).then_some(Rule::Number { least, most, unit })
}

/// A bound's unit in that of the number.
fn factor(end: &str, unit: &str) -> Option<i64> {
    Some(match (end, unit) {
        ("ms", "ms") | ("bytes", "bytes") | ("days", "days") => 1,
        ("ms", "s") => 1000,
        ("ms", "min") => 60_000,
        ("ms", "h") => 3_600_000,
        ("ms", "days") => 86_400_000,
        ("bytes", "KiB") => 1 << 10,
        ("bytes", "MiB") => 1 << 20,
        ("bytes", "GiB") => 1 << 30,
        ("bytes", "TiB") => 1 << 40,
        ("ms" | "bytes" | "days", _) => return None,
        (_, "") => 1,
        _ => return None,
    })
}

fn literal(value: &Value, shown: &dyn Fn(&str) -> String) -> String {
    match value {
        Value::String(text) => quoted(&shown(text)),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| literal(item, shown)).collect();
            format!("[{}]", items.join(", "))
        }
        other => shown(&other.to_string()),
    }
}

/// Text as a TOML basic string, whose escapes are those of JSON, with one
/// character more that has to be escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Rule;

    fn bounds(tag: &str, name: &str) -> (i64, i64) {
        match Rule::parse(tag, name).unwrap() {
            Rule::Number { least, most, .. } => (least, most),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn bounds_are_in_the_unit_of_the_name() {
        assert_eq!(bounds("0 to 65535", "port"), (0, 65_535));
        assert_eq!(bounds("1 to 10_000", "max_events"), (1, 10_000));
        assert_eq!(bounds("10 ms to 1 h", "wait_ms"), (10, 3_600_000));
        assert_eq!(bounds("1 s to 400 days", "wait_ms"), (1000, 34_560_000_000));
        assert_eq!(bounds("2 bytes to 8 MiB", "max_bytes"), (2, 8 << 20));
        assert_eq!(bounds("0 days to 90 days", "kept_days"), (0, 90));
    }

    #[test]
    fn words_are_told_as_they_stand_there() {
        let words = |tag| match Rule::parse(tag, "format") {
            Some(Rule::Word { words, .. }) => words,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(words("\"text\" or \"json\""), ["text", "json"]);
        assert_eq!(words("\"a\", \"b\" or \"c\""), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_tag_is_not_guessed_at() {
        for (tag, name) in [
            ("", "port"),
            ("any text", "host"),
            ("1..=10", "port"),
            ("10 to 1", "port"),
            ("1 to", "port"),
            ("1 to 10 ms", "port"),
            ("1 to 10", "wait_ms"),
            ("1 KiB to 10 KiB", "wait_ms"),
            ("1 h to 2 h", "kept_days"),
            ("1 TiB to 9_000_000_000 TiB", "max_bytes"),
            ("\"a\" \"b\"", "format"),
            ("\"a\" or \"\"", "format"),
            ("\"a\" or", "format"),
            ("\"", "format"),
        ] {
            assert_eq!(Rule::parse(tag, name), None, "{tag:?} for {name}");
        }
    }
}
