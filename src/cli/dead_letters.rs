//! `trailkeep dead-letters`: events that the database refused for good, from
//! the shell.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use trailkeep_event::StoreId;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::StoreError;
use trailkeep_store::dead_letters::{DeadLetter, LetterHead};
use trailkeep_store::embedded::OpenError;
use uuid::Uuid;

use super::flags::Flags;
use crate::access::audit::{Actor, action};
use crate::app::{StartError, Stores};
use crate::config::Settings;
use crate::dead_letters::{DeadLetters, Retried, RetriedAll};

/// Letters that are asked for at once.
const PAGE: usize = 500;

/// What can be done about dead letters from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print all letters, newest first, without their payloads
    List {
        /// One JSON object a line instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print one letter, with its payload, as JSON
    Show {
        /// As `list` prints it
        #[arg(value_name = "ID")]
        id: Uuid,
        #[command(flatten)]
        flags: Flags,
    },
    /// Try to store events again; a letter goes only when its event is stored
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        flags: Flags,
    },
    /// Drop letters, and their events with them, for good
    Drop {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(clap::Args)]
pub(super) struct Which {
    /// As `list` prints them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<Uuid>,
    /// All letters; asks first
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// With --all: do not ask
    #[arg(long, requires = "all")]
    yes: bool,
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::List { flags, .. }
            | Self::Show { flags, .. }
            | Self::Retry { flags, .. }
            | Self::Drop { flags, .. } => flags,
        }
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum LettersError {
    #[error(
        "{0}. While the service runs, an administrator who is signed in does this with \
         /dead-letters over HTTP; to do it from the shell, stop the service for the moment"
    )]
    InUse(StartError),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no dead letter has this id; `trailkeep dead-letters list` prints all")]
    Unknown,
    #[error("there is nobody to ask; with --yes, nobody is asked")]
    NobodyToAsk,
    #[error("nothing was done")]
    Declined,
    #[error("the answer cannot be read: {0}")]
    Terminal(io::Error),
}

impl From<StartError> for LettersError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Embedded(OpenError::Locked { .. }) => Self::InUse(error),
            error => Self::Start(error),
        }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What is to be printed.
    pub text: String,
    /// Letters that stay although they were to go.
    pub left: u64,
    /// What ended it before its end.
    pub error: Option<LettersError>,
}

impl Done {
    fn say(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// Does it. An error means that nothing was done.
pub(super) fn run(command: Command, settings: &Settings) -> Result<Done, LettersError> {
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let work = async {
        let stores = Stores::open(settings).await?;
        let done = act(command, &stores).await;
        let _ = timeout(Duration::from_secs(2), stores.events.close()).await;
        done
    };
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn act(command: Command, stores: &Stores) -> Result<Done, LettersError> {
    stores.events.prepare().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let letters = DeadLetters::new(
        Arc::clone(&stores.events),
        Arc::clone(&stores.letters),
        Arc::clone(&stores.processing),
        Arc::clone(&clock),
    );
    match command {
        Command::List { json, .. } => list(&letters, json).await.map(Done::say),
        Command::Show { id, .. } => show(&letters, id).await.map(Done::say),
        Command::Retry { which, .. } => {
            which.confirm("Try to store", &letters).await?;
            record(stores, &which, action::RETRY_DEAD_LETTER, &*clock).await?;
            Ok(which.retry(&letters).await)
        }
        Command::Drop { which, .. } => {
            which.confirm("Drop for good", &letters).await?;
            record(stores, &which, action::DROP_DEAD_LETTER, &*clock).await?;
            Ok(which.remove(&letters).await)
        }
    }
}

/// Notes in the audit trail what is about to be done.
async fn record(
    stores: &Stores,
    which: &Which,
    action: &str,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let entry = |subject: &str| Actor::shell().did(action, Some(subject), clock);
    let entries: Vec<_> = if which.all {
        vec![entry("all")]
    } else {
        which.ids.iter().map(|id| entry(&id.to_string())).collect()
    };
    stores.access.record(&entries).await
}

async fn list(letters: &DeadLetters, is_json: bool) -> Result<String, LettersError> {
    let mut text = String::new();
    let mut after = None;
    loop {
        let page = letters.page(after, PAGE).await?;
        for letter in &page {
            let line = if is_json { fields(letter).to_string() } else { row(letter) };
            text.push_str(&line);
            text.push('\n');
        }
        match page.last() {
            Some(last) => after = Some(last.place()),
            None => return Ok(text),
        }
    }
}

/// Columns with tabs between, the error's text last.
fn row(letter: &LetterHead) -> String {
    let error = letter.refusal.error.replace(char::is_control, " ");
    [
        &letter.id.to_string(),
        &letter.set_aside_at.to_string(),
        letter.refusal.reason.word(),
        &letter.tries.to_string(),
        &*letter.user_id,
        &*letter.event_id,
        &error,
    ]
    .join("\t")
}

async fn show(letters: &DeadLetters, id: Uuid) -> Result<String, LettersError> {
    let letter = letters.get(own(id)).await?.ok_or(LettersError::Unknown)?;
    Ok(format!("{:#}\n", whole(&letter)))
}

/// As `GET /dead-letters/{id}` has it.
fn whole(letter: &DeadLetter) -> Value {
    let mut fields = fields(&letter.head());
    let payload = letter.accepted.event.payload.to_json();
    fields["payload"] = serde_json::from_str(&payload).unwrap_or_default();
    fields
}

fn fields(letter: &LetterHead) -> Value {
    let mut fields = json!({
        "id": letter.id.to_string(),
        "userId": letter.user_id,
        "eventId": letter.event_id,
        "type": letter.kind,
        "occurredAt": letter.occurred_at.to_string(),
        "receivedAt": letter.received_at.to_string(),
        "reason": letter.refusal.reason.word(),
        "error": letter.refusal.error,
        "setAsideAt": letter.set_aside_at.to_string(),
        "triedAt": letter.tried_at.to_string(),
        "tries": letter.tries,
    });
    for (name, value) in [("sessionId", &letter.session_id), ("accountId", &letter.account_id)] {
        if let Some(value) = value {
            fields[name] = (**value).into();
        }
    }
    fields
}

fn own(id: Uuid) -> StoreId {
    StoreId::from_bytes(id.into_bytes())
}

impl Which {
    /// Asks where all letters are meant.
    async fn confirm(&self, doing: &str, letters: &DeadLetters) -> Result<(), LettersError> {
        if !self.all || self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(LettersError::NobodyToAsk);
        }
        let count = letters.count().await?;
        eprint!("{doing}: all {count} dead letters? [y/N] ");
        io::stderr().flush().map_err(LettersError::Terminal)?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        read.map_err(LettersError::Terminal)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(LettersError::Declined),
        }
    }

    async fn retry(&self, letters: &DeadLetters) -> Done {
        let mut done = Done::default();
        let mut all = RetriedAll::default();
        if self.all {
            done.error = letters.retry_all(&mut all).await.err().map(Into::into);
        }
        for &id in &self.ids {
            match letters.retry(own(id)).await {
                Ok(Some(retried)) => {
                    all.add(&retried);
                    done.text.push_str(&format!("{id} {}\n", told(&retried)));
                }
                Ok(None) => done.is_unknown(id),
                Err(error) => {
                    done.error = Some(error.into());
                    break;
                }
            }
        }
        done.left += all.refused;
        let (stored, duplicates, refused) = (all.stored, all.duplicates, all.refused);
        done.text.push_str(&format!(
            "{stored} stored, {duplicates} had been stored before, {refused} refused again\n"
        ));
        done
    }

    async fn remove(&self, letters: &DeadLetters) -> Done {
        let mut done = Done::default();
        let mut dropped = 0;
        if self.all {
            done.error = letters.remove_all(&mut dropped).await.err().map(Into::into);
        }
        for &id in &self.ids {
            match letters.remove(own(id)).await {
                Ok(true) => dropped += 1,
                Ok(false) => done.is_unknown(id),
                Err(error) => {
                    done.error = Some(error.into());
                    break;
                }
            }
        }
        done.text.push_str(&format!("{dropped} dropped\n"));
        done
    }
}

impl Done {
    fn is_unknown(&mut self, id: Uuid) {
        self.left += 1;
        self.text.push_str(&format!("{id} is no dead letter (any more)\n"));
    }
}

fn told(retried: &Retried) -> String {
    match retried {
        Retried::Stored => "is stored".to_owned(),
        Retried::Duplicate => "had been stored before".to_owned(),
        Retried::Refused(refusal) => format!("is refused again: {refusal}"),
    }
}
