//! What was done, as it stands in the trail.

/// An account was made by the person itself.
pub const SIGN_UP: &str = "account.sign-up";
/// Somebody tried to make the first account with a wrong set-up code.
pub const SET_UP_FAILED: &str = "account.set-up-failed";
/// Somebody signed in.
pub const SIGN_IN: &str = "session.sign-in";
/// Somebody tried to sign in with the wrong address or password.
pub const SIGN_IN_FAILED: &str = "session.sign-in-failed";
/// Somebody signed out.
pub const SIGN_OUT: &str = "session.sign-out";
/// Somebody ended a session of theirs.
pub const END_SESSION: &str = "session.end";
/// Somebody ended all sessions of theirs but the one they had at hand.
pub const END_OTHER_SESSIONS: &str = "session.end-others";
/// Somebody set another password for themselves.
pub const CHANGE_PASSWORD: &str = "account.change-password";
/// A password was set for somebody.
pub const RESET_PASSWORD: &str = "account.reset-password";
/// An account was made for somebody.
pub const CREATE_ACCOUNT: &str = "account.create";
/// An account may not sign in any more.
pub const DISABLE_ACCOUNT: &str = "account.disable";
/// An account may sign in again.
pub const ENABLE_ACCOUNT: &str = "account.enable";
/// An account became an administrator's.
pub const MAKE_ADMIN: &str = "account.make-admin";
/// An account became one of the staff.
pub const MAKE_STAFF: &str = "account.make-staff";
/// An account became one that may look and not export.
pub const MAKE_SUPPORT: &str = "account.make-support";
/// A token was made.
pub const CREATE_TOKEN: &str = "token.create";
/// A token was revoked.
pub const REVOKE_TOKEN: &str = "token.revoke";
/// A write key was made.
pub const CREATE_WRITE_KEY: &str = "write-key.create";
/// A write key was revoked.
pub const REVOKE_WRITE_KEY: &str = "write-key.revoke";
/// Somebody set what the pages show for the whole team.
pub const CHANGE_TEAM: &str = "team.change";
/// Somebody had the settings read again; the subject is which have another value since.
pub const RELOAD: &str = "settings.reload";
/// Somebody put a backup in the database's place; the subject is when it was made.
pub const RESTORE: &str = "database.restore";
/// Somebody looked at a journey.
pub const READ_JOURNEY: &str = "journey.read";
/// Somebody began to watch a user's events come.
pub const WATCH_JOURNEY: &str = "journey.watch";
/// Somebody began to watch the events of all users come.
pub const WATCH_ALL: &str = "live.watch";
/// Somebody looked at what is known of a user.
pub const READ_USER: &str = "user.read";
/// Somebody took along all that is known of a user.
pub const EXPORT_USER: &str = "user.export";
/// Somebody had a user erased; the subject is what the id is called from then on.
pub const ERASE_USER: &str = "user.erase";
/// A user is erased; the reason is how much it was.
pub const USER_ERASED: &str = "user.erased";
/// Somebody ended the block of a user.
pub const UNBLOCK_USER: &str = "user.unblock";
/// Somebody said that an instance's data folder is lost; the subject is its id.
pub const LOSE_INSTANCE: &str = "instance.lose";
/// Somebody joined an id to a user; there is an entry about each of the two.
pub const JOIN_USERS: &str = "link.join";
/// Somebody separated an id from a user; there is an entry about each of the two.
pub const SEPARATE_USERS: &str = "link.separate";
/// Somebody searched; the subject is what was typed.
pub const SEARCH: &str = "search";
/// Somebody looked at the events of a business account, which is the subject.
pub const READ_ACCOUNT_EVENTS: &str = "account-events.read";
/// Somebody looked at the list of dead letters.
pub const LIST_DEAD_LETTERS: &str = "dead-letter.list";
/// Somebody looked at a dead letter of a user.
pub const READ_DEAD_LETTER: &str = "dead-letter.read";
/// Somebody had a dead letter, or all of them, tried again.
pub const RETRY_DEAD_LETTER: &str = "dead-letter.retry";
/// Somebody looked at the users who are stuck at a processor.
pub const LIST_STUCK_USERS: &str = "processor.users";
/// Somebody had a user's event sent again.
pub const RETRY_USER: &str = "processor.retry";
/// Somebody had a user's event skipped.
pub const SKIP_USER: &str = "processor.skip";
/// Somebody let a user go on behind an event.
pub const RELEASE_USER: &str = "processor.release";
/// Somebody paused a processor.
pub const PAUSE_PROCESSOR: &str = "processor.pause";
/// Somebody let a processor go on.
pub const RESUME_PROCESSOR: &str = "processor.resume";
/// Somebody had events sent again.
pub const REPLAY: &str = "processor.replay";
/// Somebody looked for events that are neither done nor pending.
pub const CHECK_PROCESSING: &str = "processor.check";
/// Somebody removed a processor.
pub const REMOVE_PROCESSOR: &str = "processor.remove";
/// Somebody dropped a dead letter, or all of them.
pub const DROP_DEAD_LETTER: &str = "dead-letter.drop";
