//! The table `accounts`.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns;
use crate::access::{Admission, Created, SecretHash, StaffAccount, StaffChange, with_place};

const IS_SAME: &str = "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND email = ?2)";

const IS_ANY: &str = "SELECT EXISTS (SELECT 1 FROM accounts)";

const INSERT: &str = "
    INSERT INTO accounts (id, email, name, role, password_hash, is_disabled, session_epoch,
                          created_at, places)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT (email) DO NOTHING";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, name, role, password_hash, is_disabled, session_epoch, created_at,
                    places
             FROM accounts ",
            $rest
        )
    };
}

pub(in crate::embedded) const EVERY: &str = select!("");

const BY_ID: &str = select!("WHERE id = ?1");

const BY_EMAIL: &str = select!("WHERE email = ?1");

const FIRST_PAGE: &str = select!("ORDER BY email LIMIT ?1");

const PAGE: &str = select!("WHERE email > ?2 ORDER BY email LIMIT ?1");

const CHANGE: &str = "
    UPDATE accounts SET
        password_hash = coalesce(?2, password_hash),
        role = coalesce(?3, role),
        is_disabled = coalesce(?4, is_disabled),
        session_epoch = session_epoch + ?5
    WHERE id = ?1";

const RENEW_HASH: &str = "
    UPDATE accounts SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

const SET_PLACES: &str = "UPDATE accounts SET places = ?2 WHERE id = ?1";

pub(super) fn create(
    transaction: &Transaction<'_>,
    account: &StaffAccount,
    admission: Admission,
) -> rusqlite::Result<Created> {
    if is_so(transaction, IS_SAME, params![account.id.as_bytes(), account.email])? {
        return Ok(Created::Created);
    }
    if admission == Admission::First && is_so(transaction, IS_ANY, [])? {
        return Ok(Created::NotFirst);
    }
    let inserted = transaction.prepare_cached(INSERT)?.execute(params![
        account.id.as_bytes(),
        account.email,
        account.name,
        account.role,
        account.password_hash,
        account.is_disabled,
        account.session_epoch,
        account.created_at.as_millis(),
        account.places.concat(),
    ])?;
    Ok(match inserted {
        0 => Created::EmailTaken,
        _ => Created::Created,
    })
}

fn is_so(
    connection: &Connection,
    question: &str,
    parameters: impl Params,
) -> rusqlite::Result<bool> {
    connection.prepare_cached(question)?.query_row(parameters, |row| row.get(0))
}

pub(super) fn by_email(
    connection: &Connection,
    email: &str,
) -> rusqlite::Result<Option<StaffAccount>> {
    connection.prepare_cached(BY_EMAIL)?.query_row([email], account).optional()
}

pub(super) fn by_id(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<StaffAccount>> {
    connection.prepare_cached(BY_ID)?.query_row([id.as_bytes()], account).optional()
}

pub(super) fn change(
    transaction: &Transaction<'_>,
    id: Uuid,
    change: &StaffChange,
) -> rusqlite::Result<Option<StaffAccount>> {
    transaction.prepare_cached(CHANGE)?.execute(params![
        id.as_bytes(),
        change.password_hash,
        change.role,
        change.is_disabled,
        change.ends_sessions,
    ])?;
    by_id(transaction, id)
}

pub(super) fn renew_hash(
    transaction: &Transaction<'_>,
    id: Uuid,
    verified: &str,
    renewed: &str,
) -> rusqlite::Result<bool> {
    let changed = transaction.prepare_cached(RENEW_HASH)?.execute(params![
        id.as_bytes(),
        verified,
        renewed
    ])?;
    Ok(changed == 1)
}

pub(super) fn note_place(
    transaction: &Transaction<'_>,
    id: Uuid,
    place: &SecretHash,
) -> rusqlite::Result<()> {
    let Some(account) = by_id(transaction, id)? else { return Ok(()) };
    let places = with_place(&account.places, place).concat();
    transaction.prepare_cached(SET_PLACES)?.execute(params![id.as_bytes(), places]).map(|_| ())
}

pub(super) fn page(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<StaffAccount>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match after {
        None => connection.prepare_cached(FIRST_PAGE)?.query_map([limit], account)?.collect(),
        Some(after) => {
            connection.prepare_cached(PAGE)?.query_map(params![limit, after], account)?.collect()
        }
    }
}

pub(in crate::embedded) fn account(row: &Row<'_>) -> rusqlite::Result<StaffAccount> {
    Ok(StaffAccount {
        id: columns::uuid(row, 0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        role: row.get(3)?,
        password_hash: row.get(4)?,
        is_disabled: row.get(5)?,
        session_epoch: row.get(6)?,
        created_at: Timestamp::from_millis_clamped(row.get(7)?),
        places: columns::hashes(row, 8)?,
    })
}
