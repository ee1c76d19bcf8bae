//! Bodies that a client may have already.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of the hash that name a body: no two bodies will ever share them.
const BYTES: usize = 16;

/// Answers a JSON body with its tag, or 304 to a client that has it.
pub fn respond(body: Vec<u8>, request: &HeaderMap) -> Response {
    let tag = tag(&body);
    let mut response = if has(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A strong tag: it changes with any byte of the body.
pub fn tag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..BYTES]))
}

/// Whether `If-None-Match` names the tag. Compared weakly, as RFC 9110 has it.
pub fn has(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn status(known: &str) -> StatusCode {
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        respond(b"{}".to_vec(), &request).status()
    }

    #[test]
    fn a_client_that_has_the_body_is_told_so() {
        let tag = tag(b"{}");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()]
        {
            assert_eq!(status(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
    }

    #[test]
    fn any_other_client_gets_the_body() {
        let unquoted = tag(b"{}").replace('"', "");
        for known in [unquoted.as_str(), "", "\"other\"", &super::tag(b"{} ")] {
            assert_eq!(status(known), StatusCode::OK, "{known}");
        }
    }
}
