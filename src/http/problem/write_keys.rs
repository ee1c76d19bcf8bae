//! The problems of write keys, and of whoever sends them.

use super::{Problem, kinds};
use crate::access::write_keys::WriteKeyError;

impl Problem {
    /// 401: there are write keys, and none of them was sent.
    pub fn write_key_required() -> Self {
        let detail = "Send a write key as \"Authorization: Bearer\", as \"X-Write-Key\", or as \
                      the parameter writeKey. What was sent, if anything, is none, or not one any \
                      more.";
        Self::new(kinds::WRITE_KEY_REQUIRED, detail)
    }

    /// 403: the write key is not for pages of this origin.
    pub fn origin_not_allowed() -> Self {
        let detail = "The write key is for pages of the origins that it was made for, and the \
                      Origin of this request is none of them. An administrator makes one that is.";
        Self::new(kinds::ORIGIN_NOT_ALLOWED, detail)
    }

    /// 503: which write keys there are is not known yet.
    pub fn starting() -> Self {
        let detail = "The service has just started and does not know yet which write keys there \
                      are: the database has not answered. Nothing of this request was taken; send \
                      it again later.";
        Self::new(kinds::STARTING, detail)
    }

    /// 409: the settings have the write key.
    pub fn write_key_of_settings() -> Self {
        let detail = "This write key is in the settings (access.write_keys) and not in the \
                      database: take it out there, and have the settings read again.";
        Self::new(kinds::WRITE_KEY_OF_SETTINGS, detail)
    }
}

impl From<WriteKeyError> for Problem {
    fn from(error: WriteKeyError) -> Self {
        let told = sentence(&error);
        match error {
            WriteKeyError::Store(error) => error.into(),
            WriteKeyError::Invalid(faults) => Self::invalid_fields(faults),
            WriteKeyError::NameTaken => Self::new(kinds::NAME_TAKEN, told),
            WriteKeyError::TooManyKeys | WriteKeyError::TooManyOrigins => {
                Self::new(kinds::TOO_MANY_WRITE_KEYS, told)
            }
            WriteKeyError::NoSuchKey => Self::unknown_id(),
            WriteKeyError::NotKept(error) => {
                tracing::error!(%error, "a write key was neither made nor revoked for good");
                let detail = "The data folder cannot be written at the moment, and a start without \
                              the database would go by what it has: a new key is not made, and one \
                              that is to be revoked is refused from now on, but not for good. Try \
                              again.";
                Self::new(kinds::NOT_WRITTEN, detail)
            }
        }
    }
}

/// An error as a person reads it by itself.
fn sentence(error: &WriteKeyError) -> String {
    let mut text = error.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text + "."
}
