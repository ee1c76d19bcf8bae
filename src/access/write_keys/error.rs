//! Why a key is not made or not revoked.

use std::io;

use trailkeep_event::Fault;
use trailkeep_store::StoreError;

use super::new::{MAX_KEYS, MAX_ORIGINS_OF_ALL};

/// Why a key is not made or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum WriteKeyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is wanted breaks its rules.
    #[error("{}", told(.0))]
    Invalid(Vec<Fault>),
    /// Also one that has ended keeps its name until it is revoked.
    #[error("another write key has this name, one that has ended perhaps; revoke it first")]
    NameTaken,
    #[error("there are {MAX_KEYS} write keys, and there may be no more; revoke some first")]
    TooManyKeys,
    #[error(
        "all write keys together may name {MAX_ORIGINS_OF_ALL} origins, and with these it would \
         be more; revoke some first"
    )]
    TooManyOrigins,
    #[error("no write key has this id")]
    NoSuchKey,
    /// The file in the data folder cannot be written, and a start without the database
    /// would go by what it has.
    #[error("the file write-keys in the data folder cannot be written: {0}")]
    NotKept(io::Error),
}

fn told(faults: &[Fault]) -> String {
    let faults = faults.iter().map(|fault| format!("{} {}", fault.field, fault.message));
    faults.collect::<Vec<_>>().join("; ")
}
