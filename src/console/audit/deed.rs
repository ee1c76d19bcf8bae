//! What was done, in words. Pure.

use std::borrow::Cow;

use crate::access::audit::action;

/// To what something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Whom events are about.
    User,
    /// A business account.
    Account,
    /// A person of the staff, a key, a processor, a text.
    Thing,
}

/// An action of the trail.
pub struct Deed {
    pub words: Cow<'static, str>,
    pub about: About,
    /// Whether it is what strangers do.
    pub is_bad: bool,
}

const DEEDS: &[(&str, About, &str)] = {
    use About::{Account, Thing, User};
    &[
        (action::SIGN_UP, Thing, "Made an account for themselves"),
        (action::SET_UP_FAILED, Thing, "Tried a wrong set-up code"),
        (action::SIGN_IN, Thing, "Signed in"),
        (action::SIGN_IN_FAILED, Thing, "Wrong address or password"),
        (action::SIGN_OUT, Thing, "Signed out"),
        (action::END_SESSION, Thing, "Ended a session of theirs"),
        (action::END_OTHER_SESSIONS, Thing, "Ended their other sessions"),
        (action::CHANGE_PASSWORD, Thing, "Changed their password"),
        (action::RESET_PASSWORD, Thing, "Set somebody’s password"),
        (action::CREATE_ACCOUNT, Thing, "Made an account"),
        (action::DISABLE_ACCOUNT, Thing, "Disabled an account"),
        (action::ENABLE_ACCOUNT, Thing, "Enabled an account"),
        (action::MAKE_ADMIN, Thing, "Made somebody an administrator"),
        (action::MAKE_STAFF, Thing, "Gave somebody the role staff"),
        (action::MAKE_SUPPORT, Thing, "Gave somebody the role support"),
        (action::CREATE_TOKEN, Thing, "Made a token"),
        (action::REVOKE_TOKEN, Thing, "Revoked a token"),
        (action::CREATE_WRITE_KEY, Thing, "Made a write key"),
        (action::REVOKE_WRITE_KEY, Thing, "Revoked a write key"),
        (action::CHANGE_TEAM, Thing, "Changed what pages show"),
        (action::RELOAD, Thing, "Had the settings read again"),
        (action::RESTORE, Thing, "Put a backup in the database’s place"),
        (action::READ_JOURNEY, User, "Looked at a journey"),
        (action::WATCH_JOURNEY, User, "Watched a journey live"),
        (action::WATCH_ALL, Thing, "Watched all events live"),
        (action::READ_USER, User, "Looked at a user"),
        (action::EXPORT_USER, User, "Took along all that is known of a user"),
        (action::ERASE_USER, User, "Had a user erased"),
        (action::USER_ERASED, User, "Has erased a user"),
        (action::UNBLOCK_USER, User, "Ended the block of a user"),
        (action::LOSE_INSTANCE, Thing, "Gave up an instance’s data folder"),
        (action::JOIN_USERS, User, "Joined two ids"),
        (action::SEPARATE_USERS, User, "Separated two ids"),
        (action::SEARCH, Thing, "Searched"),
        (action::READ_ACCOUNT_EVENTS, Account, "Looked at an account’s events"),
        (action::LIST_DEAD_LETTERS, Thing, "Looked at events set aside"),
        (action::READ_DEAD_LETTER, User, "Opened an event set aside"),
        (action::RETRY_DEAD_LETTER, Thing, "Retried an event set aside"),
        (action::DROP_DEAD_LETTER, Thing, "Dropped an event set aside"),
        (action::LIST_STUCK_USERS, Thing, "Looked at stuck users"),
        (action::RETRY_USER, User, "Retried a stuck user"),
        (action::SKIP_USER, User, "Skipped a stuck user’s event"),
        (action::RELEASE_USER, User, "Released a stuck user"),
        (action::PAUSE_PROCESSOR, Thing, "Paused a processor"),
        (action::RESUME_PROCESSOR, Thing, "Resumed a processor"),
        (action::REPLAY, Thing, "Had events sent again"),
        (action::CHECK_PROCESSING, Thing, "Checked a processor’s events"),
        (action::REMOVE_PROCESSOR, Thing, "Removed a processor"),
    ]
};

const BAD: [&str; 2] = [action::SIGN_IN_FAILED, action::SET_UP_FAILED];

impl Deed {
    /// The action of an entry. One that this version does not know, of a newer one that
    /// shares the database, is told by its name.
    pub fn of(action: &str) -> Self {
        let known = DEEDS.iter().find(|(known, ..)| *known == action);
        let (about, words) = match known {
            Some((_, about, words)) => (*about, Cow::Borrowed(*words)),
            None => (About::Thing, Cow::Owned(action.to_owned())),
        };
        Self { words, about, is_bad: BAD.contains(&action) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_words() {
        let source = include_str!("../../access/audit/action.rs");
        let lines = source.lines().filter_map(|line| line.strip_prefix("pub const "));
        let actions: Vec<&str> = lines.filter_map(|line| line.split('"').nth(1)).collect();
        assert!(actions.len() >= DEEDS.len(), "{actions:?}");
        for action in actions {
            assert_ne!(Deed::of(action).words, action, "it has no words");
        }
    }

    #[test]
    fn an_action_of_a_newer_version_is_told_by_its_name() {
        let deed = Deed::of("moon.visit");
        assert_eq!((&*deed.words, deed.about), ("moon.visit", About::Thing));
    }
}
