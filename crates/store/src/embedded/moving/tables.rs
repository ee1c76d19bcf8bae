//! The tables, and what a row of each is.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Error, Row};
use trailkeep_event::{Accepted, Event, Payload};

use crate::StoredEvent;
use crate::embedded::access::{accounts, audit, sessions, set_up, team, tokens, write_keys};
use crate::embedded::erasures::{blocked, installation, instances, records};
use crate::embedded::people::{rows, sessions as user_sessions};
use crate::embedded::processing::{commands, feed, outcomes, parked, processors, states};
use crate::embedded::{dead_letters, reader};
use crate::moving::{Kept, Kind};

/// With the columns of a stored event in front, in their order.
const EVENTS: &str = "
    SELECT id, user_id, event_id, type, session_id, account_id, payload, occurred_at, received_at,
           arrival, anonymous_id, seq
    FROM events";

/// How a table is read.
pub struct Table {
    /// All of its rows, in any order; the columns of the key are among theirs.
    pub every: &'static str,
    /// The columns of the primary key.
    pub key: &'static [&'static str],
    /// What a row is.
    pub kept: fn(&Row<'_>) -> rusqlite::Result<Kept>,
}

/// The table of a kind.
pub fn of(kind: Kind) -> Table {
    let of = |every, key, kept| Table { every, key, kept };
    match kind {
        Kind::WriteKeys => {
            of(write_keys::EVERY, &["id"], |row| write_keys::key(row).map(Kept::WriteKey))
        }
        Kind::WriteKeysVersion => of(write_keys::EVERY_VERSION, &["id"], |row| {
            write_keys::version_of(row).map(Kept::WriteKeysVersion)
        }),
        Kind::Accounts => {
            of(accounts::EVERY, &["id"], |row| accounts::account(row).map(Kept::Account))
        }
        Kind::Sessions => {
            of(sessions::EVERY, &["id_hash"], |row| sessions::session(row).map(Kept::Session))
        }
        Kind::Tokens => of(tokens::EVERY, &["id"], |row| tokens::token(row).map(Kept::Token)),
        Kind::SetUpCodes => of(set_up::EVERY, &["hash"], |row| {
            set_up::code(row).map(|(hash, since)| Kept::SetUpCode(hash, since))
        }),
        Kind::Team => of(team::EVERY, &["id"], |row| team::team(row).map(Kept::Team)),
        Kind::Installation => {
            of(installation::EVERY, &["id"], |row| installation::key(row).map(Kept::ErasureKey))
        }
        Kind::Blocked => of(blocked::EVERY, &["hash"], |row| blocked::hash(row).map(Kept::Blocked)),
        Kind::Erasures => {
            of(records::EVERY, &["id"], |row| records::erasure(row).map(Kept::Erasure))
        }
        Kind::Instances => {
            of(instances::EVERY, &["id"], |row| instances::instance(row).map(Kept::Instance))
        }
        Kind::Audit => of(audit::EVERY, &["id"], |row| audit::entry(row).map(Kept::Audit)),
        Kind::Processors => {
            of(processors::EVERY, &["name"], |row| processors::processor(row).map(Kept::Processor))
        }
        Kind::Commands => {
            of(commands::EVERY, &["id"], |row| commands::command(row).map(Kept::Command))
        }
        Kind::States => of(states::EVERY, &["processor"], |row| {
            let (at, state) = states::state(row)?;
            Ok(Kept::State(processor(row)?, at, state))
        }),
        Kind::Parked => of(parked::EVERY, &["processor", "user_key"], |row| {
            Ok(Kept::Parked(processor(row)?, parked::parked(row)?))
        }),
        Kind::Feed => of(feed::EVERY, &["processor", "process", "number"], |row| {
            Ok(Kept::Feed(processor(row)?, feed::document(row)?))
        }),
        Kind::Outcomes => of(outcomes::EVERY, &["processor", "id"], |row| {
            Ok(Kept::Outcome(processor(row)?, outcomes::processed(row)?))
        }),
        Kind::People => of(rows::EVERY, &["id"], |row| rows::row(row).map(Kept::Person)),
        Kind::UserSessions => of(user_sessions::EVERY, &["session_id"], |row| {
            user_sessions::session(row).map(Kept::UserSession)
        }),
        Kind::DeadLetters => of(dead_letters::EVERY, &["id"], |row| {
            let payload = payload(&row.get::<_, String>("payload")?)?;
            Ok(Kept::DeadLetter(dead_letters::head(row)?.with_payload(payload)))
        }),
        Kind::Events => of(EVENTS, &["seq"], |row| {
            accepted(reader::stored_event(row)?).map(|accepted| Kept::Event(Arc::new(accepted)))
        }),
    }
}

fn processor(row: &Row<'_>) -> rusqlite::Result<Box<str>> {
    row.get("processor")
}

fn accepted(stored: StoredEvent) -> rusqlite::Result<Accepted> {
    let payload = payload(&stored.payload)?;
    let StoredEvent { id, user_id, event_id, kind, anonymous_id, .. } = stored;
    let StoredEvent { session_id, account_id, occurred_at, received_at, arrival, .. } = stored;
    let event = Event {
        id,
        user_id,
        anonymous_id,
        event_id,
        kind,
        session_id,
        account_id,
        payload,
        occurred_at,
        received_at,
    };
    Ok(Accepted { event, arrival })
}

fn payload(json: &str) -> rusqlite::Result<Payload> {
    Payload::from_kept_json(json).map_err(|fault| {
        let fault = format!("its payload: {fault}");
        Error::FromSqlConversionFailure(0, Type::Text, fault.into())
    })
}
