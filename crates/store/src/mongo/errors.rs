//! What the server's faults mean for us. Codes are those of MongoDB's
//! `error_codes.yml`.

use bson::Document;
use mongodb::error::{Error, ErrorKind, WriteFailure};
use trailkeep_event::bson_to_json::bson_to_json;

use crate::{Outcome, Reason, Refusal, StoreError};

/// The document's `_id`, or another unique index, has the value already.
const DUPLICATE_KEY: [i32; 3] = [11000, 11001, 12582];

/// A document that is larger than the server takes.
pub const OBJECT_TOO_LARGE: i32 = 10334;

/// Faults of the one document: sent again it would fail again.
const DOCUMENT_FAULTS: [i32; 15] = [
    2,   // BadValue
    9,   // FailedToParse
    14,  // TypeMismatch
    15,  // Overflow
    22,  // InvalidBSON
    28,  // PathNotViable
    52,  // DollarPrefixedFieldName
    53,  // InvalidIdField
    54,  // NotSingleValueField
    55,  // InvalidDBRef
    56,  // EmptyFieldName
    57,  // DottedFieldName
    61,  // ShardKeyNotFound
    121, // DocumentValidationFailure
    171, // CannotIndexParallelArrays
];

/// Codes from here on name a place in the server's source, not a kind of
/// fault. On one document they come from building its index keys.
const FIRST_LOCATION: i32 = 10_000;

/// Codes from [`FIRST_LOCATION`] on that pass by themselves.
const PASSING_LOCATIONS: [i32; 9] = [
    10058, // no longer primary
    10107, // NotWritablePrimary
    11600, // InterruptedAtShutdown
    11601, // Interrupted
    11602, // InterruptedDueToReplStateChange
    13388, // StaleConfig
    13435, // NotPrimaryNoSecondaryOk
    13436, // NotPrimaryOrSecondary
    14031, // OutOfDiskSpace
];

/// Faults of a whole command that one document in it makes: what is too large,
/// what is no BSON to the server, what is nested deeper than it is set to take.
const CULPRITS: [i32; 3] = [
    OBJECT_TOO_LARGE,
    15, // Overflow
    22, // InvalidBSON
];

/// The user has not the rights for a command.
const UNAUTHORIZED: i32 = 13;

/// After this, the server's words on missing rights are the command.
const COMMAND_QUOTED: &str = " to execute command";

/// The document breaks the rules of a validator.
const VALIDATION: i32 = 121;

/// An index key that is too long, on servers that mind.
const KEY_TOO_LONG: i32 = 17280;

/// Faults that stay until a person mends credentials, rights, the URI or the
/// server's configuration.
const DENIALS: [i32; 24] = [
    2,     // BadValue
    9,     // FailedToParse
    11,    // UserNotFound
    13,    // Unauthorized
    14,    // TypeMismatch
    18,    // AuthenticationFailed
    20,    // IllegalOperation
    31,    // RoleNotFound
    59,    // CommandNotFound
    67,    // CannotCreateIndex
    72,    // InvalidOptions
    73,    // InvalidNamespace
    79,    // UnknownReplWriteConcern
    85,    // IndexOptionsConflict
    86,    // IndexKeySpecsConflict
    93,    // InvalidReplicaSetConfig
    100,   // UnsatisfiableWriteConcern
    115,   // CommandNotSupported
    166,   // CommandNotSupportedOnView
    322,   // APIVersionError
    323,   // APIStrictError
    8000,  // AtlasError
    11000, // DuplicateKey: what is there keeps a unique index from being made
    40415, // unknown field of a command
];

/// A fault of the driver or of a whole command.
pub fn store_error(error: &Error) -> StoreError {
    let text = describe(error);
    match &*error.kind {
        ErrorKind::Command(fault) => command_error(fault.code, text),
        ErrorKind::Write(WriteFailure::WriteConcernError(fault)) => command_error(fault.code, text),
        ErrorKind::Write(WriteFailure::WriteError(fault)) if is_refusal(fault.code) => {
            StoreError::Denied(text)
        }
        ErrorKind::Authentication { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::SessionsNotSupported => StoreError::Denied(text),
        ErrorKind::ServerSelection { message, .. } if was_turned_away(message) => {
            StoreError::Denied(text)
        }
        ErrorKind::Bson(_) | ErrorKind::InvalidResponse { .. } => StoreError::Unreadable(text),
        _ => StoreError::Unavailable(text),
    }
}

/// Whether no server could be selected because those that are there do not
/// take the credentials. The driver tells one caller so and then counts the
/// server as unknown; to all others it gives the reason in a message only.
fn was_turned_away(message: &str) -> bool {
    ["AuthenticationFailed", "AtlasError"]
        .iter()
        .any(|name| message.contains(&format!("code_name: \"{name}\"")))
}

/// A whole command that failed with this code.
pub fn command_error(code: i32, text: String) -> StoreError {
    if CULPRITS.contains(&code) {
        StoreError::Refused(Refusal::new(reason_of(code), text))
    } else if DENIALS.contains(&code) {
        StoreError::Denied(text)
    } else {
        StoreError::Unavailable(text)
    }
}

/// The driver's error in one line, without the parts that are for debugging
/// the driver.
pub fn describe(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(fault) => {
            code_and_message(fault.code, Some(&fault.code_name), &fault.message)
        }
        ErrorKind::Write(WriteFailure::WriteConcernError(fault)) => {
            code_and_message(fault.code, Some(&fault.code_name), &fault.message)
        }
        ErrorKind::Write(WriteFailure::WriteError(fault)) => {
            code_and_message(fault.code, fault.code_name.as_deref(), &fault.message)
        }
        kind => kind.to_string(),
    }
}

/// The code of a command that failed, if it reached the server.
pub fn code_of(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(fault) => Some(fault.code),
        _ => None,
    }
}

/// Whether a write failed because a unique index has its value already.
pub fn is_duplicate(error: &Error) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(fault)) => DUPLICATE_KEY.contains(&fault.code),
        ErrorKind::Command(fault) => DUPLICATE_KEY.contains(&fault.code),
        _ => false,
    }
}

/// The outcome for a document that has an entry in `writeErrors`.
///
/// A code that we do not know is tried again where it names a kind of fault,
/// most of which pass, and is a refusal where it names a place in the source:
/// an event tried for ever would hold up all behind it.
pub fn write_outcome(fault: &Document) -> Outcome {
    let code = int(fault, "code").unwrap_or_default();
    if DUPLICATE_KEY.contains(&code) {
        return duplicate_outcome(fault, code);
    }
    if is_refusal(code) {
        return Outcome::Refused(refusal(fault, code));
    }
    tracing::warn!("the database did not take an event this time: {}", describe_entry(fault, code));
    Outcome::Retry
}

fn refusal(fault: &Document, code: i32) -> Refusal {
    let mut text = describe_entry(fault, code);
    // Which rule of the validator it is.
    if let Ok(info) = fault.get_document("errInfo")
        && let Ok(encoded) = bson::serialize_to_vec(info)
        && let Ok(json) = bson_to_json(&encoded)
    {
        text = format!("{text}: {json}");
    }
    Refusal::new(reason_of(code), text)
}

fn reason_of(code: i32) -> Reason {
    match code {
        OBJECT_TOO_LARGE | KEY_TOO_LONG => Reason::TooLarge,
        VALIDATION => Reason::Validation,
        _ => Reason::Unknown,
    }
}

/// Whether a write with this fault would fail again, whenever it was sent.
fn is_refusal(code: i32) -> bool {
    let location = code >= FIRST_LOCATION && !PASSING_LOCATIONS.contains(&code);
    DOCUMENT_FAULTS.contains(&code) || location
}

/// A duplicate `_id` is an event that is stored. A duplicate in a unique index
/// that somebody added is an event that is not.
fn duplicate_outcome(fault: &Document, code: i32) -> Outcome {
    let on_id = match fault.get_document("keyPattern") {
        Ok(keys) => keys.len() == 1 && keys.contains_key("_id"),
        Err(_) => fault.get_str("errmsg").is_ok_and(|message| message.contains("index: _id_")),
    };
    if on_id {
        Outcome::Duplicate
    } else {
        let text = describe_entry(fault, code);
        Outcome::Refused(Refusal::new(Reason::UniqueIndex, text))
    }
}

/// `writeConcernError`, or an entry of `writeErrors`, in one line.
pub fn describe_entry(fault: &Document, code: i32) -> String {
    code_and_message(
        code,
        fault.get_str("codeName").ok(),
        fault.get_str("errmsg").unwrap_or_default(),
    )
}

fn code_and_message(code: i32, name: Option<&str>, message: &str) -> String {
    // The server quotes the whole command, with the events in it.
    let message = match message.split_once(COMMAND_QUOTED) {
        Some((before, _)) if code == UNAUTHORIZED => format!("{before}{COMMAND_QUOTED}"),
        _ => message.to_owned(),
    };
    match name.filter(|name| !name.is_empty()) {
        Some(name) => format!("{message} (code {code}, {name})"),
        None => format!("{message} (code {code})"),
    }
}

/// A number of a server's answer, whichever of BSON's types it chose.
pub fn int(document: &Document, key: &str) -> Option<i32> {
    match document.get(key)? {
        bson::Bson::Int32(number) => Some(*number),
        bson::Bson::Int64(number) => i32::try_from(*number).ok(),
        #[allow(clippy::cast_possible_truncation)] // saturates; the server sends small ones
        bson::Bson::Double(number) => Some(*number as i32),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
