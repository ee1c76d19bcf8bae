//! Addresses of accounts: one form for each, so that one address has one
//! account.

use trailkeep_event::Fault;

/// As long as an address can be in an SMTP path.
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// The form in which an address is kept and looked up: trimmed and in lower
/// case. Only the shape is checked; whether it exists only a message would
/// tell.
pub fn normalize(text: &str) -> Result<String, Fault> {
    let email = text.trim().to_lowercase();
    if is_address(&email) {
        Ok(email)
    } else {
        Err(Fault::of(
            "email",
            format!(
                "must be an address such as jo@example.com, of at most {MAX_BYTES} bytes and \
                 without spaces"
            ),
        ))
    }
}

fn is_address(email: &str) -> bool {
    let Some((local, domain)) = email.split_once('@') else {
        return false;
    };
    email.len() <= MAX_BYTES
        && (1..=MAX_LOCAL_BYTES).contains(&local.len())
        && !local.contains(is_out_of_place)
        && domain.split('.').all(is_label)
}

fn is_out_of_place(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"(),:;<>[]\\".contains(c)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for written in ["jo@example.com", " Jo@Example.COM ", "JO@EXAMPLE.com\n"] {
            assert_eq!(normalize(written).unwrap(), "jo@example.com");
        }
    }

    #[test]
    fn usual_addresses_are_taken() {
        for email in ["a@b", "jo+tag@mail.example.co.uk", "o'neil@x.ie", "jö@exämple.de"] {
            assert_eq!(normalize(email).unwrap(), email);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "@",
            "jo",
            "jo@",
            "@example.com",
            "jo@@example.com",
            "jo@a@b",
            "j o@example.com",
            "jo@exa mple.com",
            "jo@.com",
            "jo@example..com",
            "jo@-a.com",
            "<jo@example.com>",
            "jo\0@example.com",
            &long,
        ] {
            assert!(normalize(text).is_err(), "{text:?}");
        }
    }
}
