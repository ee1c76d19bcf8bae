//! What became of events.

use trailkeep_event::{Arrival, Payload, StoreId, Timestamp};

/// What became of an event at a processor: the mark that it is done, and at the same
/// time what staff see.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// The event's identity, and its own: so there is one of each event.
    pub id: StoreId,
    /// How often the event was asked for again after it was done; 0 at first.
    pub run: u32,
    /// What it is of; `None` where the event is gone.
    pub event: Option<ProcessedEvent>,
    /// The event's place in its user's order.
    pub arrival: Arrival,
    /// What became of it.
    pub state: ProcessedState,
    /// When that was known.
    pub processed_at: Timestamp,
    /// How long the attempt took that ended it, in milliseconds.
    pub duration_ms: u32,
    /// How long after its receipt the first attempt began, in milliseconds.
    pub waited_ms: u64,
    /// How often it was sent.
    pub attempts: u32,
    /// What the processor answered last, where it answered.
    pub http_status: Option<u16>,
    /// The object that it answered, at most 16 KiB of JSON.
    pub result: Option<Payload>,
    /// Why it failed or was skipped.
    pub error: Option<Box<str>>,
}

/// What of an event its outcome repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessedEvent {
    /// The tracker's name for it.
    pub event_id: Box<str>,
    /// Whose event it is.
    pub user_id: Box<str>,
    /// `type` on the wire.
    pub kind: Box<str>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was received: the outcome is deleted a day after the event would be.
    pub received_at: Timestamp,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessedState {
    /// The processor took it.
    Processed,
    /// The processor refused it for good, or so often that it was given up.
    Failed,
    /// Nobody will send it: a person said so, or it is gone.
    Skipped,
    /// It is to be sent again: not done.
    Pending,
}

impl ProcessedState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Processed, Self::Failed, Self::Skipped, Self::Pending];

    /// Its word, on the wire and in the stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
        }
    }

    /// The state with this word. Of one that a later version wrote nothing is
    /// guessed: whether its event is done is what decides about sending it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_state() {
        for state in ProcessedState::ALL {
            assert_eq!(ProcessedState::from_word(state.word()), Some(state));
        }
        assert_eq!(ProcessedState::from_word("of a later version"), None);
    }
}
