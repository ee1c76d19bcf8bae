//! Where pages are: whatever is in a path or a query is percent-encoded. Pure.

use std::fmt::Write as _;

use form_urlencoded::Serializer;

/// Where the console begins.
pub const HOME: &str = "/console/";

/// The page of a user.
pub fn user(id: &str) -> String {
    format!("/console/users/{}", segment(id))
}

/// The page of a user, with one session alone.
pub fn session(user_id: &str, session_id: &str) -> String {
    format!("{}?{}", user(user_id), query(&[("sessionId", session_id)]))
}

/// The page of a user around one event.
pub fn event(user_id: &str, event_id: &str) -> String {
    format!("{}?{}", user(user_id), query(&[("around", event_id)]))
}

/// The page of a business account.
pub fn account(id: &str) -> String {
    format!("/console/accounts/{}", segment(id))
}

/// The page about what a user may ask for.
pub fn privacy(id: &str) -> String {
    format!("/console/privacy?{}", query(&[("user", id)]))
}

/// Parameters, encoded.
pub fn query(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// One segment of a path.
pub fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        // A segment of dots alone would be another path.
        let is_plain = byte.is_ascii_alphanumeric() || b"-_~@:".contains(&byte);
        match is_plain {
            true => segment.push(char::from(byte)),
            false => {
                let _ = write!(segment, "%{byte:02X}");
            }
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment_whatever_is_in_it() {
        assert_eq!(user("u_1"), "/console/users/u_1");
        assert_eq!(user("../a?b#c"), "/console/users/%2E%2E%2Fa%3Fb%23c");
        assert_eq!(user("é"), "/console/users/%C3%A9");
        assert_eq!(session("a b", "s&1"), "/console/users/a%20b?sessionId=s%261");
    }
}
