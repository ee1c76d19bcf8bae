//! Keeps what is secret in a URI out of error messages: the driver quotes the
//! part of a URI that it cannot read, and that part may be the password.

/// What is shown in place of a secret.
const MASK: &str = "***";

/// Options of a URI whose values are secret.
const SECRET_OPTIONS: [&str; 3] =
    ["authmechanismproperties", "proxypassword", "tlscertificatekeyfilepassword"];

/// A fault of a URI in words that hold nothing secret of it.
pub fn describe(uri: &str, fault: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (before_options, options) = rest.split_once('?').unwrap_or((rest, ""));
    if options.contains('@') {
        // The parser ends the password at the first "?", so any word of its
        // message may be a piece of it.
        return "if its user name, its password or an option holds one of ?, / and @, write \
                that as %3F, %2F or %40"
            .to_owned();
    }
    let mut secrets = in_authority(before_options);
    secrets.extend(in_options(options));
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(fault.to_owned(), |text, secret| text.replace(secret, MASK))
}

/// The password, and what may be one where the host was forgotten.
fn in_authority(before_options: &str) -> Vec<&str> {
    let password = match before_options.rsplit_once('@') {
        Some((user, _)) => user.split_once(':').map(|(_, password)| password),
        None => before_options
            .split_once(':')
            .map(|(_, password)| password)
            .filter(|port| !port.starts_with(|first: char| first.is_ascii_digit())),
    };
    password
        .into_iter()
        .flat_map(|password| std::iter::once(password).chain(password.split(['/', ':', ','])))
        .filter(|secret| !secret.is_empty())
        .collect()
}

fn in_options(options: &str) -> Vec<&str> {
    options
        .split('&')
        .filter_map(|option| option.split_once('='))
        .filter(|(name, _)| SECRET_OPTIONS.contains(&name.to_lowercase().as_str()))
        .flat_map(|(_, value)| std::iter::once(value).chain(value.split([',', ':'])))
        .filter(|secret| !secret.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn hides_a_password_that_is_quoted() {
        let text = describe("mongodb://ann:s3cret@host:x/db", "cannot read s3cret at host:x");
        assert_eq!(text, "cannot read *** at host:x");
    }

    #[test]
    fn hides_what_a_question_mark_in_the_password_leaves_over() {
        let text = describe("mongodb://ann:s3?cret@host/db", "got s3, not a pair: cret@host");
        assert!(!text.contains("s3") && !text.contains("cret@"), "{text}");
        assert!(text.contains("%3F"), "{text}");
    }

    #[test]
    fn hides_a_password_without_a_host() {
        let text = describe("mongodb://ann:s3cret/db", "the port must be a number, got s3cret");
        assert_eq!(text, "the port must be a number, got ***");
    }

    #[test]
    fn hides_secret_options() {
        let uri = "mongodb://host/?authMechanismProperties=AWS_SESSION_TOKEN:t0ken,oops";
        let text = describe(uri, "a pair is missing its colon, got t0ken");
        assert_eq!(text, "a pair is missing its colon, got ***");
    }

    #[test]
    fn leaves_a_message_without_secrets_as_it_is() {
        let fault = "unknown option maxPolSize on host:27017";
        assert_eq!(describe("mongodb://host:27017/?maxPolSize=3", fault), fault);
    }
}
