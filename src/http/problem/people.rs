//! The problems of who is who.

use trailkeep_event::Fault;

use super::{Problem, kinds};
use crate::journeys::linked::JoinError;
use crate::privacy::erase::EraseError;

impl Problem {
    /// 404: nothing is known of the user.
    pub fn unknown_user() -> Self {
        let detail = "Nothing is known of this id: no event of it is stored or waits for the \
                      database, and nobody is linked to it.";
        Self::new(kinds::UNKNOWN_USER, detail)
    }
}

impl Problem {
    /// 404: nobody has the id blocked.
    pub fn not_blocked() -> Self {
        Self::new(kinds::NOT_BLOCKED, "What is posted of this id is not left out.")
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::LinkedTo(user) => Self::conflict(&format!(
                "The id is linked to \"{user}\". Erase that user, and this id goes with it; or \
                 erase this id alone, with \"linked\": false."
            )),
            EraseError::Store(error) => error.into(),
        }
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Itself => {
                Self::invalid_fields(vec![Fault::of("id", "is the user's own; name another")])
            }
            JoinError::BelongsTo(other) => Self::conflict(&format!(
                "The user belongs to \"{other}\"; join the id to that one."
            )),
            JoinError::HasJoined(joined) => Self::conflict(&format!(
                "\"{joined}\" is joined to the id; separate the two first, or join them the other \
                 way round."
            )),
            JoinError::NotLinked => {
                let detail = "The id is not linked to this user; GET /users/{userId} lists those \
                              that are.";
                Self::new(kinds::NOT_LINKED, detail)
            }
            JoinError::Store(error) => error.into(),
        }
    }
}
