//! Where the MongoDB is, and how its password is kept out of sight.

use std::fmt;

use mongodb::options::ConnectionString;

/// What is shown in the place of a secret.
const HIDDEN: &str = "***";

/// A MongoDB connection string that the driver can read. `Display` and `Debug`
/// mask its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct MongodbUri(String);

impl MongodbUri {
    /// Reads a connection string; the error says what is allowed, and shows no
    /// secret.
    pub(super) fn parse(uri: &str) -> Result<Self, String> {
        if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") {
            return Err("must start with mongodb:// or mongodb+srv://".to_owned());
        }
        match ConnectionString::parse(uri) {
            Ok(_) => Ok(Self(uri.to_owned())),
            Err(_) => Err(format!("must be a MongoDB connection string: {}", fault(uri))),
        }
    }

    /// The connection string with its secrets: for the driver alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MongodbUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Debug for MongodbUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&mask(&self.0), f)
    }
}

/// Why the driver cannot read a connection string. Its words may quote what it
/// was given, so it is asked about the masked one; if that is readable, what
/// was masked is at fault.
fn fault(uri: &str) -> String {
    match ConnectionString::parse(mask(uri)) {
        Ok(_) => "special characters in a password are written as %40 for @, %3A for :, \
                  %2F for / and %25 for %"
            .to_owned(),
        Err(error) => error.kind.to_string(),
    }
}

/// The text with every secret hidden: the password, and options that hold one.
///
/// Works on any text and rather hides too much than too little, since it is
/// the broken connection strings that end up in messages: the password is all
/// between the user's name and the last `@`, wherever that is.
pub(super) fn mask(uri: &str) -> String {
    let (scheme, rest) = uri.split_at(scheme_length(uri));
    let (user, rest) = match rest.rsplit_once('@') {
        None => (String::new(), rest),
        Some((user_info, rest)) => match user_info.split_once(':') {
            None => (format!("{user_info}@"), rest),
            Some((user, _)) => (format!("{user}:{HIDDEN}@"), rest),
        },
    };
    let Some((hosts, options)) = rest.split_once('?') else {
        return format!("{scheme}{user}{rest}");
    };
    let options: Vec<String> = options.split('&').map(mask_option).collect();
    format!("{scheme}{user}{hosts}?{}", options.join("&"))
}

/// Bytes of `scheme://` at the start, or 0.
fn scheme_length(uri: &str) -> usize {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '+');
    match uri.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => scheme.len() + "://".len(),
        _ => 0,
    }
}

fn mask_option(option: &str) -> String {
    match option.split_once('=') {
        Some((name, _)) if holds_secret(name) => format!("{name}={HIDDEN}"),
        _ => option.to_owned(),
    }
}

/// `tlsCertificateKeyFilePassword`, `proxyPassword`, and the properties of an
/// authentication mechanism, which may hold a session token.
fn holds_secret(option: &str) -> bool {
    let option = option.to_lowercase();
    option.contains("password") || option == "authmechanismproperties"
}

#[cfg(test)]
mod tests;
