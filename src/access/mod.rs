//! Who may read and who may write: staff accounts, their passwords and
//! sessions, machines' tokens, trackers' write keys, and the record of who did
//! what. The rules are here, what is kept is in
//! [`store::access`](trailkeep_store::access), status codes are in `http`.
//!
//! - [`accounts`]: who is on the staff, and signing in.
//! - [`password`]: hashing, bounded in memory and in parallel;
//!   [`password_rules`]: what a password must be.
//! - [`set_up`]: what the first account is made with.
//! - [`sessions`]: `axum-login` on our own stores; [`open_sessions`]: as their owners see
//!   and end them; [`sign_in_links`]: opened by a link, once.
//! - [`tokens`]: what machines carry; [`write_keys`]: what trackers carry.
//! - [`remembered`]: who may watch the service while the database is away.
//! - [`limits`]: how often something may be tried; [`client`]: by whom; [`places`]: from
//!   where the owner of an account comes.
//! - [`audit`]: who did what, written behind the scenes.
//! - [`team`]: what the pages show for all of them.

pub mod accounts;
pub mod audit;
pub mod client;
pub mod email;
mod error;
pub mod limits;
pub mod open_sessions;
pub mod password;
pub mod password_rules;
pub mod places;
pub mod remembered;
mod secrets;
pub mod sessions;
pub mod set_up;
pub mod sign_in_links;
pub mod team;
pub mod tokens;
pub mod write_keys;

#[cfg(test)]
mod memory_store;

use std::sync::Arc;

pub use error::AccessError;
pub use secrets::hash_secret;

/// All that decides who may do what, but for what a reload may change: write keys of the
/// settings, proxies and limits are in the terms of each request.
pub struct Access {
    pub accounts: Arc<accounts::StaffAccounts>,
    /// Where sessions are kept.
    pub sessions: sessions::Sessions,
    /// Where people are signed in, for them to see.
    pub open_sessions: open_sessions::OpenSessions,
    /// Links that sign in once.
    pub sign_in_links: sign_in_links::SignInLinks,
    /// Machines' tokens.
    pub tokens: tokens::Tokens,
    /// Who was seen while the database could be asked.
    pub remembered: remembered::Remembered,
    /// Where what is done is noted.
    pub audit: audit::Audit,
    /// Which clients may post events, beside those with a key of the settings.
    pub write_keys: Arc<write_keys::WriteKeys>,
    /// What the pages show for the whole team.
    pub team: team::Team,
}
