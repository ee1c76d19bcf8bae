//! The collections of the kinds, and the document of a row.

use bson::raw::RawDocumentBuf;
use bson::{rawdoc, serialize_to_raw_document_buf};
use serde::Serialize;

use crate::StoreError;
use crate::mongo::access::collections::{
    ACCOUNTS, AUDIT, SESSIONS, SET_UP, TEAM, TOKENS, WRITE_KEYS, WRITE_KEYS_VERSION,
};
use crate::mongo::access::documents::{
    AuditDocument, SessionDocument, SetUpDocument, StaffDocument, TokenDocument,
};
use crate::mongo::access::team::TeamDocument;
use crate::mongo::access::write_keys::{VersionDocument, WriteKeyDocument};
use crate::mongo::connection::EVENTS;
use crate::mongo::dead_letters::{self, DEAD_LETTERS};
use crate::mongo::erasures::{BLOCKED, ERASURES, INSTALLATION, INSTANCES};
use crate::mongo::erasures::{documents as erasures, installation, instances};
use crate::mongo::people::{self, PEOPLE, sessions as user_sessions};
use crate::mongo::processing::commands::{self, COMMANDS};
use crate::mongo::processing::feed::{self, FEED, feed_of};
use crate::mongo::processing::fields::raw;
use crate::mongo::processing::outcomes::{self, OUTCOMES, outcomes_of};
use crate::mongo::processing::parked::{self, PARKED, parked_of};
use crate::mongo::processing::processors::{self, PROCESSORS};
use crate::mongo::processing::states::{self, STATES};
use crate::moving::{Kept, Kind};

/// Where the rows of a kind go.
pub enum Place {
    /// Into one collection.
    One(&'static str),
    /// Into one of each processor: what their names begin with.
    OfProcessors(&'static str),
}

impl Place {
    /// Of a kind.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::WriteKeys => Self::One(WRITE_KEYS),
            Kind::WriteKeysVersion => Self::One(WRITE_KEYS_VERSION),
            Kind::Accounts => Self::One(ACCOUNTS),
            Kind::Sessions => Self::One(SESSIONS),
            Kind::Tokens => Self::One(TOKENS),
            Kind::SetUpCodes => Self::One(SET_UP),
            Kind::Team => Self::One(TEAM),
            Kind::Installation => Self::One(INSTALLATION),
            Kind::Blocked => Self::One(BLOCKED),
            Kind::Erasures => Self::One(ERASURES),
            Kind::Instances => Self::One(INSTANCES),
            Kind::Audit => Self::One(AUDIT),
            Kind::Processors => Self::One(PROCESSORS),
            Kind::Commands => Self::One(COMMANDS),
            Kind::States => Self::One(STATES),
            Kind::Parked => Self::OfProcessors(PARKED),
            Kind::Feed => Self::OfProcessors(FEED),
            Kind::Outcomes => Self::OfProcessors(OUTCOMES),
            Kind::People => Self::One(PEOPLE),
            Kind::UserSessions => Self::One(people::SESSIONS),
            Kind::DeadLetters => Self::One(DEAD_LETTERS),
            Kind::Events => Self::One(EVENTS),
        }
    }

    /// Whether this collection is one of it.
    pub fn has(&self, collection: &str) -> bool {
        match self {
            Self::One(name) => collection == *name,
            Self::OfProcessors(start) => collection.starts_with(start),
        }
    }
}

/// A row as a document, and its collection; `None` for an event, which is
/// [inserted](crate::Store::insert) as it came in.
pub fn document(kept: &Kept) -> Result<Option<(String, RawDocumentBuf)>, StoreError> {
    let one = |name: &str, document| Ok(Some((name.to_owned(), document)));
    match kept {
        Kept::WriteKey(key) => one(WRITE_KEYS, encoded(&WriteKeyDocument::from(key))?),
        Kept::WriteKeysVersion(version) => {
            one(WRITE_KEYS_VERSION, encoded(&VersionDocument::new(*version))?)
        }
        // The mark of the first account settles who comes first where there is none.
        Kept::Account(account) => one(ACCOUNTS, encoded(&StaffDocument::new(account, false))?),
        Kept::Session(session) => one(SESSIONS, encoded(&SessionDocument::from(session))?),
        Kept::Token(token) => one(TOKENS, encoded(&TokenDocument::from(token))?),
        Kept::SetUpCode(hash, since) => one(SET_UP, encoded(&SetUpDocument::new(hash, *since))?),
        Kept::Team(team) => one(TEAM, encoded(&TeamDocument::from(team))?),
        Kept::ErasureKey(key) => one(INSTALLATION, raw(&installation::document(*key))?),
        Kept::Blocked(id) => one(BLOCKED, rawdoc! { "_id": erasures::hash(id) }),
        Kept::Erasure(erasure) => one(ERASURES, erasures::encode(erasure)?),
        Kept::Instance(instance) => one(INSTANCES, raw(&instances::document(instance))?),
        Kept::Audit(entry) => one(AUDIT, encoded(&AuditDocument::from(entry))?),
        Kept::Processor(processor) => one(PROCESSORS, raw(&processors::document(processor))?),
        Kept::Command(command) => one(COMMANDS, raw(&commands::document(command))?),
        Kept::State(name, at, state) => one(STATES, raw(&states::document(name, *at, state))?),
        Kept::Parked(name, user) => one(&parked_of(name), raw(&parked::document(user))?),
        Kept::Feed(name, document) => one(&feed_of(name), raw(&feed::document(document))?),
        Kept::Outcome(name, outcome) => one(&outcomes_of(name), outcomes::document(outcome)?),
        Kept::Person(row) => one(PEOPLE, people::documents::encode(&row.person, row.rev)?),
        Kept::UserSession(session) => one(people::SESSIONS, user_sessions::document(session)),
        Kept::DeadLetter(letter) => {
            let payload = letter.accepted.event.payload.to_json();
            one(DEAD_LETTERS, raw(&dead_letters::document(letter, payload))?)
        }
        Kept::Event(_) => Ok(None),
    }
}

fn encoded(document: &impl Serialize) -> Result<RawDocumentBuf, StoreError> {
    serialize_to_raw_document_buf(document)
        .map_err(|fault| StoreError::Unreadable(fault.to_string()))
}
