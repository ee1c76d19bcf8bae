//! Headers that requests to a processor have beside ours.

use http::{HeaderMap, HeaderName, HeaderValue};

const RULE: &str = "must be a list of headers, each \"Name: value\" in ASCII, one with a comma in \
                    its value in the file alone";

/// Headers that the service sets itself.
const OURS: [&str; 4] = ["host", "connection", "transfer-encoding", "idempotency-key"];

/// What the names of others begin with.
const OURS_BEGIN: [&str; 3] = ["content-", "webhook-", "trailkeep-"];

/// Reads the list; the error says what is allowed, and shows no value.
pub fn parse_all(items: &[String]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (index, item) in items.iter().enumerate() {
        let number = index + 1;
        let (name, value) = parse(item).ok_or_else(|| format!("{RULE}; number {number} is not"))?;
        if is_ours(name.as_str()) {
            return Err(format!(
                "must hold no header that the service sets itself: {}, and names that begin with \
                 {}; {name} is one",
                OURS.join(", "),
                OURS_BEGIN.join(", ")
            ));
        }
        if headers.contains_key(&name) {
            return Err(format!("must name each header once; {name} is there twice"));
        }
        headers.try_insert(name, value).map_err(|_| "must be fewer headers")?;
    }
    Ok(headers)
}

fn parse(item: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = item.split_once(':')?;
    let value = value.trim();
    let is_sent = !value.is_empty() && value.is_ascii();
    let mut value = HeaderValue::from_str(value).ok().filter(|_| is_sent)?;
    // Its `Debug` hides it then.
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

fn is_ours(name: &str) -> bool {
    OURS.contains(&name) || OURS_BEGIN.iter().any(|begin| name.starts_with(begin))
}

/// One item with its value hidden; all of it, where no name can be told.
pub fn mask(item: &str) -> String {
    let name = item.split_once(':').map(|(name, _)| name.trim());
    match name.filter(|name| name.parse::<HeaderName>().is_ok()) {
        Some(name) => format!("{name}: ***"),
        None => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse_each(items: &[&str]) -> Result<HeaderMap, String> {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        parse_all(&items)
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let headers = parse_each(&["Authorization: Bearer a:b, c", "x-tenant:7"]).unwrap();
        assert_eq!(headers["authorization"], "Bearer a:b, c");
        assert_eq!(headers["x-tenant"], "7");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn what_is_no_header_is_refused_without_being_shown() {
        for wrong in [
            "",
            "hunter2",
            ": hunter2",
            "a b: hunter2",
            "a\u{e9}: hunter2",
            "a: ",
            "a: hunter2\u{e9}",
            "a: hunter2\nb: c",
            "a: hunter2\u{7f}",
        ] {
            let rule = parse_each(&["x-tenant: 7", wrong]).unwrap_err();
            assert!(rule.ends_with("; number 2 is not"), "{rule}");
            assert!(!rule.contains("hunter2"), "{rule}");
        }
        let rule = parse_each(&["A: hunter2", "a: hunter2"]).unwrap_err();
        assert_eq!(rule, "must name each header once; a is there twice");
    }

    #[test]
    fn what_the_service_sets_cannot_be_set() {
        for name in [
            "Content-Type",
            "content-length",
            "Host",
            "Connection",
            "Transfer-Encoding",
            "Idempotency-Key",
            "Webhook-Id",
            "webhook-signature",
            "Trailkeep-Attempt",
        ] {
            let rule = parse_each(&[&format!("{name}: hunter2")]).unwrap_err();
            assert!(rule.ends_with(&format!("; {} is one", name.to_lowercase())), "{rule}");
            assert!(!rule.contains("hunter2"), "{rule}");
        }
        assert!(parse_each(&["content: a", "x-webhook-id: b", "hosts: c"]).is_ok());
    }

    #[test]
    fn a_value_is_never_shown() {
        let headers = parse_each(&["Authorization: hunter2"]).unwrap();
        assert!(!format!("{headers:?}").contains("hunter2"), "{headers:?}");
        assert_eq!(mask("Authorization : hunter2"), "Authorization: ***");
        assert_eq!(mask("hunter2"), "***");
        assert_eq!(mask("Authorization = hunter2:x"), "***");
    }
}
