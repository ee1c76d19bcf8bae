//! What people ask of whoever delivers for a processor, and what they are answered.
//!
//! An order is a command in the store: any instance takes it, and the one that delivers
//! carries it out, so that nobody else writes a user's state.

use serde::{Deserialize, Serialize};
use trailkeep_event::StoreId;
use trailkeep_store::processing::{Command, ProcessedState};
use uuid::Uuid;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Order {
    /// Send nothing until a [`Resume`](Self::Resume). It is open until then.
    Pause,
    /// Go on.
    Resume,
    /// Send the event at which a user is stuck, now.
    Retry(UserEvent),
    /// Do not send it any more; the user goes on behind it.
    Skip(UserEvent),
    /// Leave it as it failed; the user goes on behind it.
    Release(UserEvent),
    /// Send an event again that failed for good.
    RetryLetter {
        /// Which.
        event: Uuid,
    },
    /// Let an event that failed for good count as skipped.
    DropLetter {
        /// Which.
        event: Uuid,
    },
    /// Send events again.
    Replay(Range),
    /// Send what is stored from an arrival number on, before anything of the feed.
    Backfill {
        /// The number.
        from: i64,
    },
    /// Find events that are wanted, have no outcome and are not pending.
    Check {
        /// Whether they are fed.
        repair: bool,
    },
}

impl Order {
    /// Whether a command is a pause that lasts.
    pub fn is_open_pause(command: &Command) -> bool {
        let order = || serde_json::from_str(&command.order);
        command.answered_at.is_none() && matches!(order(), Ok(Self::Pause))
    }
}

/// An event as people name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEvent {
    /// Whose it is.
    pub user_id: Box<str>,
    /// The tracker's name for it.
    pub event_id: Box<str>,
}

impl UserEvent {
    /// Its identity.
    pub fn id(&self) -> StoreId {
        StoreId::derive(&self.user_id, &self.event_id)
    }
}

/// Which events are sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// Those that happened then or later, in milliseconds since the epoch.
    #[serde(default)]
    pub from: Option<i64>,
    /// Those that happened then or earlier.
    #[serde(default)]
    pub to: Option<i64>,
    /// Those of one user.
    #[serde(default)]
    pub user_id: Option<Box<str>>,
    /// Those of these types; none for all that the processor wants.
    #[serde(default)]
    pub types: Vec<Box<str>>,
    /// Those of which this became; none for all.
    #[serde(default)]
    pub state: Option<Became>,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of an event that is to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// The processor took it.
    Processed,
    /// It was given up.
    Failed,
    /// Nobody sent it.
    Skipped,
}

impl Became {
    /// Whether an outcome is this.
    pub fn is(self, state: ProcessedState) -> bool {
        matches!(
            (self, state),
            (Self::Processed, ProcessedState::Processed)
                | (Self::Failed, ProcessedState::Failed)
                | (Self::Skipped, ProcessedState::Skipped)
        )
    }
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Answer {
    /// It is carried out.
    Done {
        /// What that was, in words.
        message: String,
        /// To how many events it was done, where it is about many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<u64>,
    },
    /// What it names is not as it says.
    Conflict {
        /// What is, in words.
        message: String,
    },
}

impl Answer {
    /// It is carried out.
    pub fn done(message: &str) -> Self {
        Self::Done { message: message.to_owned(), events: None }
    }

    /// It is carried out, to so many events.
    pub fn done_to(events: u64, message: &str) -> Self {
        Self::Done { message: message.to_owned(), events: Some(events) }
    }

    /// What it names is not as it says.
    pub fn conflict(message: &str) -> Self {
        Self::Conflict { message: message.to_owned() }
    }
}

/// How far an order has come, so that whoever goes on with it goes on there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The last event that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
    /// Its arrival number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_arrival: Option<i64>,
    /// The last user that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_user: Option<Box<str>>,
    /// The run that was found when it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u32>,
    /// When it was begun, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<i64>,
    /// Whether all events of a replay are pending, and their users are being parked.
    #[serde(default)]
    pub is_second_walk: bool,
    /// Events that were looked at, or users.
    #[serde(default)]
    pub seen: u64,
    /// To how many it was done.
    #[serde(default)]
    pub events: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let event = Uuid::from_u128(7);
        let named = UserEvent { user_id: "ann".into(), event_id: "e-1".into() };
        let range = Range {
            from: Some(-7),
            user_id: Some("ann".into()),
            types: vec!["order".into()],
            state: Some(Became::Failed),
            ..Range::default()
        };
        for order in [
            Order::Pause,
            Order::Resume,
            Order::Retry(named.clone()),
            Order::Skip(named.clone()),
            Order::Release(named),
            Order::RetryLetter { event },
            Order::DropLetter { event },
            Order::Replay(Range::default()),
            Order::Replay(range),
            Order::Backfill { from: -7 },
            Order::Check { repair: true },
        ] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order, "{text}");
        }
    }

    #[test]
    fn progress_is_read_as_it_was_written() {
        let event = Uuid::from_u128(7);
        for progress in [
            Progress::default(),
            Progress {
                after: Some(event),
                run: Some(3),
                seen: 4,
                events: 2,
                ..Progress::default()
            },
            Progress { after_user: Some("ann".into()), ..Progress::default() },
        ] {
            let text = serde_json::to_string(&progress).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress, "{text}");
        }
    }
}
