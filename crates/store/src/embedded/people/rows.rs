//! The table `people`, and the terms beside it that each row has.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, Transaction, params};
use trailkeep_event::{Arrival, Timestamp};

use super::tables::{DELETE_TERM, INSERT_TERM, from_json};
use crate::StoreError;
use crate::people::{Age, Parts, Person, Row, Seen};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, rev, first_seen, last_seen, user_since, parts FROM people ", $rest)
    };
}

pub const EVERY: &str = select!("");

pub const OF_ID: &str = select!("WHERE id = ?1");

/// `INDEXED BY` turns a plan without the index into an error.
pub const LINKED_TO: &str =
    select!("INDEXED BY people_owner WHERE owner = ?1 ORDER BY since DESC LIMIT ?2");

const INSERT: &str = "
    INSERT INTO people (id, rev, first_seen, last_seen, user_since, owner, since, expires_from,
                        stays_with_user, terms, parts)
    VALUES (?1, ?2 + 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (id) DO NOTHING";

const UPDATE: &str = "
    UPDATE people
    SET rev = ?2 + 1, first_seen = ?3, last_seen = ?4, user_since = ?5, owner = ?6, since = ?7,
        expires_from = ?8, stays_with_user = ?9, terms = ?10, parts = ?11
    WHERE id = ?1";

/// Those of a row that is as it was read.
pub const TERMS: &str = "SELECT terms FROM people WHERE id = ?1 AND rev = ?2";

/// A row as its columns are.
pub struct Encoded {
    id: Box<str>,
    rev: i64,
    seen: Option<Seen>,
    user_since: Option<i64>,
    owner: Option<Box<str>>,
    since: Option<i64>,
    age: Option<Age>,
    terms: Vec<String>,
    terms_json: String,
    parts: String,
}

impl Encoded {
    /// The columns of a row.
    pub fn of(row: &Row) -> Result<Self, StoreError> {
        let Row { person, rev } = row;
        let link = person.link();
        let terms = person.terms();
        let json = |fault: serde_json::Error| StoreError::Unreadable(fault.to_string());
        Ok(Self {
            id: person.id.clone(),
            rev: *rev,
            seen: person.seen,
            user_since: person.user_since.map(Arrival::as_i64),
            since: link.as_ref().map(|link| link.since.as_i64()),
            owner: link.map(|link| link.user),
            age: person.age(),
            terms_json: serde_json::to_string(&terms).map_err(json)?,
            terms,
            parts: serde_json::to_string(&Parts::of(person)).map_err(json)?,
        })
    }
}

/// One state of the database.
pub fn of(connection: &Connection, ids: &[Box<str>]) -> rusqlite::Result<Vec<Row>> {
    let transaction = connection.unchecked_transaction()?;
    of_one_state(&transaction, ids)
}

fn of_one_state(transaction: &Transaction<'_>, ids: &[Box<str>]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = transaction.prepare_cached(OF_ID)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(statement.query_row([id], row).optional()?);
    }
    Ok(found)
}

/// One state of the database.
pub fn linked_to(
    connection: &Connection,
    user_id: &str,
    ids: &[Box<str>],
    most: usize,
) -> rusqlite::Result<Vec<Person>> {
    let transaction = connection.unchecked_transaction()?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut statement = transaction.prepare_cached(LINKED_TO)?;
    let linked = statement.query_map(params![user_id, most], person)?;
    let mut found = linked.collect::<rusqlite::Result<Vec<_>>>()?;
    let people = of_one_state(&transaction, ids)?.into_iter().map(|row| row.person);
    found.extend(people.filter(|person| !person.is_linked_to(user_id)));
    Ok(found)
}

/// How many were not as they were read.
pub fn keep(transaction: &Transaction<'_>, rows: &[Encoded]) -> rusqlite::Result<usize> {
    let mut left_out = 0;
    for row in rows {
        if !keep_one(transaction, row)? {
            left_out += 1;
        }
    }
    Ok(left_out)
}

fn keep_one(transaction: &Transaction<'_>, row: &Encoded) -> rusqlite::Result<bool> {
    if row.rev == 0 {
        let is_new = write(transaction, INSERT, row)? > 0;
        if is_new {
            change_terms(transaction, &row.id, &[], &row.terms)?;
        }
        return Ok(is_new);
    }
    let mut known = transaction.prepare_cached(TERMS)?;
    let known = known.query_row(params![row.id, row.rev], |known| from_json(known, 0));
    let Some(known): Option<Vec<String>> = known.optional()? else { return Ok(false) };
    write(transaction, UPDATE, row)?;
    change_terms(transaction, &row.id, &known, &row.terms)?;
    Ok(true)
}

fn write(transaction: &Transaction<'_>, sql: &str, row: &Encoded) -> rusqlite::Result<usize> {
    let (expires_from, stays_with_user) = match row.age {
        Some(Age::Alone(from)) => (Some(from.as_millis()), None),
        Some(Age::WithItsUser(from)) => (None, Some(from.as_millis())),
        None => (None, None),
    };
    transaction.prepare_cached(sql)?.execute(params![
        row.id,
        row.rev,
        row.seen.map(|seen| seen.first.as_millis()),
        row.seen.map(|seen| seen.last.as_millis()),
        row.user_since,
        row.owner,
        row.since,
        expires_from,
        stays_with_user,
        row.terms_json,
        row.parts,
    ])
}

fn change_terms(
    transaction: &Transaction<'_>,
    id: &str,
    known: &[String],
    wanted: &[String],
) -> rusqlite::Result<()> {
    let change = |sql, terms: &[String], others: &[String]| -> rusqlite::Result<()> {
        let mut statement = transaction.prepare_cached(sql)?;
        for term in terms.iter().filter(|term| !others.contains(term)) {
            statement.execute([term, id])?;
        }
        Ok(())
    };
    change(DELETE_TERM, known, wanted)?;
    change(INSERT_TERM, wanted, known)
}

pub fn person(row: &SqlRow<'_>) -> rusqlite::Result<Person> {
    self::row(row).map(|row| row.person)
}

pub fn row(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let moment = |column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis_clamped))
    };
    let seen = moment(2)?.zip(moment(3)?).map(|(first, last)| Seen { first, last });
    let user_since = row.get::<_, Option<i64>>(4)?.map(Arrival::from_i64);
    let parts: Parts = from_json(row, 5)?;
    Ok(Row { person: parts.into_person(row.get(0)?, seen, user_since), rev: row.get(1)? })
}
