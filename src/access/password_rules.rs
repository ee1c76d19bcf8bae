//! What a password must be: long enough, and none of those that are tried
//! first.

use std::collections::HashSet;
use std::sync::LazyLock;

use trailkeep_event::Fault;

const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 128;

/// Lower case, one on a line; lines that begin with `#` are comments.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Checks a new password of the account with this address. `field` is how the
/// password is called where it came from.
pub fn check(password: &str, email: &str, field: &'static str) -> Result<(), Fault> {
    let chars = password.chars().count();
    if !(MIN_CHARS..=MAX_CHARS).contains(&chars) {
        let rule = format!("must have {MIN_CHARS} to {MAX_CHARS} characters");
        return Err(Fault::of(field, rule));
    }
    if is_guessable(&password.to_lowercase(), email) {
        let rule = "is one of those that are guessed first; use several words or a generated one";
        return Err(Fault::of(field, rule));
    }
    Ok(())
}

fn is_guessable(password: &str, email: &str) -> bool {
    let local = email.split('@').next().unwrap_or_default();
    // "summer2025!" is "summer" with what is put behind it everywhere.
    let stem = password.trim_matches(|c: char| !c.is_alphabetic());
    [password, stem].iter().any(|text| COMMON.contains(text) || *text == email || *text == local)
        || is_run(password)
        || is_few_characters(password)
}

/// Rows as fingers find them. Read forwards and backwards, around the end too.
const ROWS: [&str; 6] = [
    "12345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopqwertyuiop",
    "qwertzuiopqwertzuiop",
    "asdfghjklasdfghjkl",
    "zxcvbnmzxcvbnm",
];

/// Whether the whole password is a piece of a row.
fn is_run(password: &str) -> bool {
    let backwards: String = password.chars().rev().collect();
    ROWS.iter().any(|row| row.contains(password) || row.contains(&backwards))
}

/// `aaaaaaaa`, `abababab`, `11221122`.
fn is_few_characters(password: &str) -> bool {
    password.chars().collect::<HashSet<_>>().len() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(password: &str) -> bool {
        check(password, "jo.miller@example.com", "password").is_ok()
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(!accepts("kx7#mqv"));
        assert!(accepts("kx7#mqvz"));
        assert!(accepts("größenwa"));
        assert!(accepts(&"kx7#mqvz".repeat(16)));
        assert!(!accepts(&format!("{}x", "kx7#mqvz".repeat(16))));
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for password in [
            "password",
            "Password1",
            "PASSWORD123!",
            "passw0rd",
            "12345678",
            "87654321",
            "1234567890",
            "qwertyuiop",
            "poiuytrewq",
            "aaaaaaaa",
            "abababab",
            "abcdefgh",
            "trailkeep",
            "Trailkeep2025!",
            "jo.miller",
            "Jo.Miller1",
            "jo.miller@example.com",
            "iloveyou",
            "letmein123",
            "summer2025",
            "changeme",
            "admin123",
        ] {
            assert!(!accepts(password), "{password}");
        }
    }

    #[test]
    fn several_words_are_fine() {
        for password in ["correct horse battery", "my-password-is-long", "tr4il and keep"] {
            assert!(accepts(password), "{password}");
        }
    }

    #[test]
    fn the_list_is_in_the_form_that_is_looked_up() {
        assert!(COMMON.len() >= 180, "{}", COMMON.len());
        for entry in COMMON.iter() {
            assert_eq!(*entry, entry.trim().to_lowercase());
            assert!(!entry.is_empty());
        }
    }
}
