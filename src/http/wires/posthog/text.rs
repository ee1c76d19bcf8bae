//! A body of PostHog's SDKs in other words, until it is JSON or gzip. Pure.
//!
//! Older SDKs, and pages that are left, send a form with a field `data`, whose value is JSON or
//! base64 of it, which may be compressed in turn; or that value alone.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// It says that it is compressed with lz64, which nothing here reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsLz64;

/// Some SDKs leave the end out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the body says, where it is neither JSON nor gzip as it is. What is none of all that
/// is left as it is: whoever reads it says what is wrong.
pub fn reworded(body: &[u8], compression: Option<&str>) -> Result<Option<Vec<u8>>, IsLz64> {
    let is_lz64 = |compression: Option<&str>| compression.is_some_and(|name| name == "lz64");
    if is_lz64(compression) {
        return Err(IsLz64);
    }
    if is_read_as_it_is(body) {
        return Ok(None);
    }
    let Some(form) = data_of_form(body) else {
        return Ok(unpacked(body));
    };
    if is_lz64(form.compression.as_deref()) {
        return Err(IsLz64);
    }
    let data = form.data.as_bytes();
    if is_read_as_it_is(data) {
        return Ok(Some(data.to_vec()));
    }
    Ok(Some(unpacked(data).unwrap_or_else(|| data.to_vec())))
}

fn is_read_as_it_is(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    matches!(body, [] | [b'{' | b'[', ..] | [0x1f, 0x8b, ..])
}

/// The fields of a form that say something.
struct Form<'a> {
    data: Cow<'a, str>,
    compression: Option<Cow<'a, str>>,
}

fn data_of_form(body: &[u8]) -> Option<Form<'_>> {
    let find = |name| form_urlencoded::parse(body).find(|(key, _)| key == name);
    let (_, data) = find("data")?;
    Some(Form { data, compression: find("compression").map(|(_, name)| name) })
}

/// Of base64, in which a form has blanks for plus signs, and addresses have other signs.
fn unpacked(text: &[u8]) -> Option<Vec<u8>> {
    let sign = |byte: &u8| match byte {
        b' ' | b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let text: Vec<u8> = text.trim_ascii().iter().map(sign).collect();
    BASE64.decode(text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"event":"??>>~~"}"#;

    fn of(body: &str) -> Option<String> {
        reworded(body.as_bytes(), None).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn json_and_gzip_are_left_as_they_are() {
        for body in ["{}", " [1]", "", "\u{1f}\u{8b}"] {
            assert_eq!(of(body), None, "{body}");
        }
        assert_eq!(reworded(&[0x1f, 0x8b, 8], None), Ok(None));
    }

    #[test]
    fn a_form_has_json_or_base64_in_it() {
        let encoded = BASE64.encode(JSON);
        let pair = |value: &str| {
            form_urlencoded::Serializer::new(String::new()).append_pair("data", value).finish()
        };
        for body in [
            pair(JSON),
            pair(&encoded),
            format!("data={encoded}"),
            format!("ip=1&{}", pair(&encoded)),
            encoded.clone(),
            encoded.trim_end_matches('=').replace('+', "-").replace('/', "_"),
        ] {
            assert_eq!(of(&body).as_deref(), Some(JSON), "{body}");
        }
    }

    #[test]
    fn what_is_nothing_of_it_is_left_for_whoever_reads_it() {
        assert_eq!(of("hello, world"), None);
        assert_eq!(of("data=?"), Some("?".to_owned()));
    }

    #[test]
    fn lz64_is_known_wherever_it_is_named() {
        assert_eq!(reworded(b"{}", Some("lz64")), Err(IsLz64));
        assert_eq!(reworded(b"data=abc&compression=lz64", None), Err(IsLz64));
    }
}
