//! The header `X-Reason`: why somebody looks or changes, for the audit trail. Pages, which
//! cannot send it, have it in a cookie that a browser sends with one user's pages alone.

use axum::http::{HeaderMap, HeaderName};

use super::problem::Problem;
use super::sessions::cookie;

/// The cookie that has it, percent-encoded.
pub const COOKIE: &str = "tk-reason";

const X_REASON: HeaderName = HeaderName::from_static("x-reason");

/// Of a ticket's number and a few words.
const MAX_BYTES: usize = 200;

/// What a request gives as its reason; an empty one is none. One that cannot be kept as it
/// is refuses the request: a look without its reason is what somebody wanted to prevent.
pub fn of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut sent = headers.get_all(X_REASON).into_iter();
    let Some(first) = sent.next() else {
        let kept = cookie(headers, COOKIE);
        return Ok(kept.and_then(|kept| checked(&decoded(&kept)).ok().flatten()));
    };
    if sent.next().is_some() {
        return Err(Problem::invalid_reason());
    }
    checked(std::str::from_utf8(first.as_bytes()).map_err(|_| Problem::invalid_reason())?)
}

/// A reason that somebody gave, if it can be kept as it is.
pub fn checked(text: &str) -> Result<Option<String>, Problem> {
    let text = text.trim();
    if text.len() > MAX_BYTES || text.contains(char::is_control) {
        return Err(Problem::invalid_reason());
    }
    Ok(Some(text).filter(|text| !text.is_empty()).map(str::to_owned))
}

/// As [`COOKIE`] has it.
pub fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn decoded(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, _)| name.into_owned())
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<String>, ()> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REASON, HeaderValue::from_bytes(value).unwrap());
        }
        of(&headers).map_err(|_| ())
    }

    #[test]
    fn pages_have_it_in_a_cookie() {
        let mut headers = HeaderMap::new();
        let kept = format!("{COOKIE}={}", encoded("Zażalenie\u{85}17"));
        headers.insert("cookie", kept.parse().unwrap());
        // What cannot be kept is none: nobody typed it there.
        assert_eq!(of(&headers).ok(), Some(None));
        let kept = format!("{COOKIE}={}", encoded("Zażalenie = 17 & more"));
        headers.insert("cookie", kept.parse().unwrap());
        assert_eq!(of(&headers).ok(), Some(Some("Zażalenie = 17 & more".to_owned())));
    }

    #[test]
    fn a_reason_is_short_text_or_none() {
        let longest = "r".repeat(MAX_BYTES);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b" "]), Ok(None));
        assert_eq!(read(&[b" T-17 "]), Ok(Some("T-17".to_owned())));
        assert_eq!(read(&["Zażalenie 17".as_bytes()]), Ok(Some("Zażalenie 17".to_owned())));
        assert_eq!(read(&[longest.as_bytes()]), Ok(Some(longest.clone())));
        assert_eq!(read(&[format!("{longest}r").as_bytes()]), Err(()));
        for wrong in [&[&b"\xff"[..]][..], &[b"a\tb"], &[b"a", b"b"], &["a\u{85}b".as_bytes()]] {
            assert_eq!(read(wrong), Err(()), "{wrong:?}");
        }
    }
}
