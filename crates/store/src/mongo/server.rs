//! The server's version, and what it may be too old for.

use bson::doc;

use super::connection::Link;
use crate::{Retention, StoreError};

/// The first version that stores keys with a dollar in front inside of a payload.
const ALL_PAYLOADS: i32 = 5;

/// The first version that has partial indexes with `$or`.
const RETENTION_BY_TYPE: i32 = 6;

/// Says so if the server is too old for every payload, and refuses one that cannot keep types
/// for times of their own, before anything is changed. One that does not tell its version is
/// taken as it is.
///
/// # Errors
///
/// [`StoreError::Denied`].
pub async fn check(link: &Link, retention: &Retention) -> Result<(), StoreError> {
    let Some((major, version)) = version(link).await else { return Ok(()) };
    if major < ALL_PAYLOADS {
        tracing::warn!(
            version,
            "MongoDB is older than {ALL_PAYLOADS}.0: events whose payloads have keys such as \
             \"$id\" will be refused by it"
        );
    }
    if major < RETENTION_BY_TYPE && retention.is_by_type() {
        return Err(StoreError::Denied(format!(
            "it is MongoDB {version}, and store.retention_days_by_type takes \
             {RETENTION_BY_TYPE}.0 or later: upgrade it, or take that out of the settings"
        )));
    }
    Ok(())
}

/// Refuses a server that is too old for every payload, where none may be left behind.
///
/// # Errors
///
/// [`StoreError::Denied`].
pub async fn refuse_old(link: &Link) -> Result<(), StoreError> {
    match version(link).await.filter(|(major, _)| *major < ALL_PAYLOADS) {
        Some((_, version)) => Err(StoreError::Denied(format!(
            "it is MongoDB {version}, and {ALL_PAYLOADS}.0 is the oldest that takes every payload"
        ))),
        None => Ok(()),
    }
}

async fn version(link: &Link) -> Option<(i32, String)> {
    let info = link.database().run_command(doc! { "buildInfo": 1 }).await.ok()?;
    let major = info.get_array("versionArray").ok()?.first()?.as_i32()?;
    Some((major, info.get_str("version").unwrap_or_default().to_owned()))
}
