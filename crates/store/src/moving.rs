//! Everything of an embedded store, on its way into MongoDB.
//!
//! [`EmbeddedStore`](super::embedded::EmbeddedStore) hands its rows out, kind by kind and
//! in the order of their keys; [`MongoStore`](super::mongo::MongoStore) takes them, and keeps
//! up to where it has them. A row is handed over as what it means and not as what it looks
//! like, so each store reads and writes it by the code that it always does.
//!
//! **Whole.** A kind for each table. What leads from one to the other and back is here, and a
//! table of the file that has no kind fails a test.

use std::sync::Arc;

use trailkeep_event::{Accepted, Timestamp};
use uuid::Uuid;

use super::access::{AuditEntry, SecretHash, SessionRecord, StaffAccount, TokenRecord};
use super::dead_letters::DeadLetter;
use super::erasures::{Erasure, ErasureKey, IdHash, Instance};
use super::people::{Row, SessionUser};
use super::processing::{Command, FeedDocument, Parked, Processed, Processor};
use super::team::TeamRecord;
use super::write_keys::WriteKeyRecord;

/// What is kept, a kind for each table of the embedded store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // what [`Kept`] says of each
pub enum Kind {
    WriteKeys,
    WriteKeysVersion,
    Accounts,
    Sessions,
    Tokens,
    SetUpCodes,
    Team,
    Installation,
    Blocked,
    Erasures,
    Instances,
    Audit,
    Processors,
    Commands,
    States,
    Parked,
    Feed,
    Outcomes,
    People,
    UserSessions,
    DeadLetters,
    Events,
}

impl Kind {
    /// All of them, in the order in which they go over. Write keys are first: an instance that
    /// is started on the database too early takes no event without one.
    pub const ALL: [Self; 22] = [
        Self::WriteKeys,
        Self::WriteKeysVersion,
        Self::Accounts,
        Self::Sessions,
        Self::Tokens,
        Self::SetUpCodes,
        Self::Team,
        Self::Installation,
        Self::Blocked,
        Self::Erasures,
        Self::Instances,
        Self::Audit,
        Self::Processors,
        Self::Commands,
        Self::States,
        Self::Parked,
        Self::Feed,
        Self::Outcomes,
        Self::People,
        Self::UserSessions,
        Self::DeadLetters,
        Self::Events,
    ];

    /// The table of the embedded store, by which people know it too.
    pub fn table(self) -> &'static str {
        match self {
            Self::WriteKeys => "write_keys",
            Self::WriteKeysVersion => "write_keys_version",
            Self::Accounts => "accounts",
            Self::Sessions => "sessions",
            Self::Tokens => "tokens",
            Self::SetUpCodes => "set_up_codes",
            Self::Team => "team",
            Self::Installation => "installation",
            Self::Blocked => "blocked_ids",
            Self::Erasures => "erasures",
            Self::Instances => "instances",
            Self::Audit => "audit_trail",
            Self::Processors => "processors",
            Self::Commands => "processor_commands",
            Self::States => "processor_states",
            Self::Parked => "parked",
            Self::Feed => "feed",
            Self::Outcomes => "processed_events",
            Self::People => "people",
            Self::UserSessions => "user_sessions",
            Self::DeadLetters => "dead_letters",
            Self::Events => "events",
        }
    }

    /// The kind of a table; `None` for a table that does not go over.
    pub fn of_table(table: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.table() == table)
    }

    /// What goes over after it.
    pub fn next(self) -> Option<Self> {
        let place = Self::ALL.iter().position(|kind| *kind == self)?;
        Self::ALL.get(place + 1).copied()
    }
}

/// A row on its way. What belongs to a processor has its name in front.
#[derive(Clone)]
pub enum Kept {
    /// What trackers send with their events.
    WriteKey(WriteKeyRecord),
    /// Another one after each key that came or went.
    WriteKeysVersion(Uuid),
    /// Who has an account here.
    Account(StaffAccount),
    /// Who is signed in.
    Session(SessionRecord),
    /// What machines read with.
    Token(TokenRecord),
    /// What the first account is made with, and since when it is good.
    SetUpCode(SecretHash, Timestamp),
    /// What the pages show for the whole team.
    Team(TeamRecord),
    /// What hashes the ids of users who were erased.
    ErasureKey(ErasureKey),
    /// Whose events are left out.
    Blocked(IdHash),
    /// Who was erased, or is being erased.
    Erasure(Erasure),
    /// A data folder whose journal may hold accepted events.
    Instance(Instance),
    /// Who looked at whom, or changed what.
    Audit(AuditEntry),
    /// Who is fed for, and who delivers.
    Processor(Processor),
    /// What a person asked of a processor.
    Command(Command),
    /// What is known of a processor where it is delivered for, and since when.
    State(Box<str>, Timestamp, Box<str>),
    /// A user whose pending events are in `events` alone.
    Parked(Box<str>, Parked),
    /// What is pending.
    Feed(Box<str>, FeedDocument),
    /// What became of an event.
    Outcome(Box<str>, Processed),
    /// What is known of an id.
    Person(Row),
    /// Whose the session of a tracker is.
    UserSession(SessionUser),
    /// An event that was refused for good.
    DeadLetter(DeadLetter),
    /// An event.
    Event(Arc<Accepted>),
}

/// One of the columns that a row is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // as SQLite calls them
pub enum KeyPart {
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// What a row is found by: the columns of its table's primary key.
pub type Key = Vec<KeyPart>;

/// Some rows of one kind, in the order of their keys.
pub struct Page {
    /// What they are.
    pub rows: Vec<Kept>,
    /// The last one's key, where others may follow.
    pub last: Option<Key>,
}

/// Up to where rows went over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Those of the kinds before this went over.
    pub kind: Kind,
    /// Of this kind, those up to this key.
    pub after: Option<Key>,
    /// How many these are, of all kinds.
    pub rows: u64,
}

impl Reached {
    /// Nothing went over yet.
    pub const START: Self = Self { kind: Kind::ALL[0], after: None, rows: 0 };
}
