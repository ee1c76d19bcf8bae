//! The collections, as every call reads and writes them.

use mongodb::Collection;
use mongodb::options::{CollectionOptions, ReadConcern, ReadPreference, SelectionCriteria};

use crate::mongo::connection::Link;

pub const ACCOUNTS: &str = "accounts";
pub const SESSIONS: &str = "sessions";
pub const TOKENS: &str = "tokens";
pub const AUDIT: &str = "audit";
pub const SET_UP: &str = "setUpCodes";
pub const WRITE_KEYS: &str = "writeKeys";
/// Has one document: which keys there are.
pub const WRITE_KEYS_VERSION: &str = "writeKeysVersion";
/// Has one document, once anything was set.
pub const TEAM: &str = "team";

/// A collection as the primary has it, whatever the URI prefers for reading:
/// a session that has ended on one instance must not go on for another that
/// asks a member that lags behind.
pub fn collection<T: Send + Sync>(link: &Link, name: &str) -> Collection<T> {
    let options = CollectionOptions::builder()
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .read_concern(ReadConcern::local())
        .build();
    link.database().collection_with_options(name, options)
}
