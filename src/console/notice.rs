//! What was done, told on the page that follows.
//!
//! The address of that page names what is told (`?done=key-revoked`) and never brings the
//! text of it: who makes somebody open an address must not put words into our mouth.

use axum::response::Redirect;

use crate::http::query::Parameters;

const NOTICES: &[(&str, &str)] = &[
    ("key-revoked", "The write key is revoked. Other instances refuse it within five seconds."),
    ("team-set", "It is saved. Other instances take it within five seconds."),
    ("token-revoked", "The token is revoked. It opens nothing any more."),
    ("person-added", "The account is made. Tell the person the address and the password."),
    ("person-disabled", "The account is disabled, and signed out everywhere."),
    ("person-enabled", "The account is enabled again."),
    ("role-changed", "The role is set."),
    ("password-set", "The password is set. Tell it to the person, who is to change it."),
    ("password-changed", "Your password is changed. You are signed out everywhere else."),
    ("session-ended", "The session is ended."),
    ("sessions-ended", "All other sessions are ended."),
    ("letter-stored", "The event is stored, and in its user’s journey."),
    ("letter-known", "The event had been stored meanwhile; it is not set aside any more."),
    ("letter-refused", "The database refuses the event again."),
    ("letter-dropped", "The event is dropped."),
    ("all-retried", "All were tried again. What is refused still is below."),
    ("order-done", "It is done."),
    ("order-given", "It is asked for, and done by whoever delivers; below is what came of it."),
    ("processor-removed", "The processor is removed."),
    (
        "user-unblocked",
        "What is posted of this id is kept again, on other instances within half a minute.",
    ),
    ("all-dropped", "All events that were set aside are dropped."),
];

/// What the query of a page names.
pub fn asked(parameters: &mut Parameters) -> Option<&'static str> {
    let name = parameters.text("done")?;
    NOTICES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// To a page that tells what was done there.
pub fn done(page: &str, name: &str) -> Redirect {
    debug_assert!(NOTICES.iter().any(|(known, _)| *known == name), "nothing is called {name}");
    Redirect::to(&format!("{page}?done={name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_notice_and_brings_none() {
        let told = |query| asked(&mut Parameters::parse(Some(query)));
        assert!(told("done=key-revoked").is_some_and(|text| text.contains("revoked")));
        assert_eq!(told("done=You+are+hacked"), None);
        assert_eq!(told(""), None);
    }
}
