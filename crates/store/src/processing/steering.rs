//! What people ask of a processor.

use trailkeep_event::Timestamp;
use uuid::Uuid;

/// Commands of one processor that may wait for an answer.
pub const MAX_COMMANDS: usize = 100;

/// Bytes of an order, of its progress, of its answer and of a published state, at the
/// most.
pub const MAX_STEERING_BYTES: usize = 64 << 10;

/// How long a command is kept once it is answered: whoever asked wants to see it.
pub(crate) const ANSWERED_KEPT_MS: i64 = 60 * 60 * 1000;

/// Something that a person asks of a processor, and whoever delivers for it carries
/// out: so nobody else writes a user's state.
///
/// The three texts are JSON, and the store does not look into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its identity: asked twice, it is carried out once.
    pub id: Uuid,
    /// Whom it is for. That one need not be there yet.
    pub processor: Box<str>,
    /// When it was asked for.
    pub made_at: Timestamp,
    /// What is to be done.
    pub order: Box<str>,
    /// How far it has come, where it takes longer; whoever takes over goes on there.
    pub progress: Option<Box<str>>,
    /// When it was answered; it is open until then.
    pub answered_at: Option<Timestamp>,
    /// What came of it.
    pub answer: Option<Box<str>>,
}

impl Command {
    /// Commands that were answered before this go when this one is added.
    pub(crate) fn horizon(&self) -> Timestamp {
        self.made_at.plus_millis(-ANSWERED_KEPT_MS)
    }
}
