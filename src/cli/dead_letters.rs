//! `trailkeep dead-letters`: events that the database refused for good, from
//! the shell.

mod here;
mod letters;
mod there;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Subcommand;
use serde_json::Value;
use uuid::Uuid;

use self::here::Here;
use self::letters::{Letters, Tried};
use self::there::There;
use super::flags::Flags;
use super::place::{self, Place};
use crate::config::Settings;
use crate::dead_letters::RetriedAll;

pub(super) use self::letters::LettersError;

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
    place::work(settings, async |place| match place {
        Place::Service(control) => act(command, &There(control)).await,
        Place::Stores(stores) => act(command, &Here::new(stores)).await,
    })
}

async fn act(command: Command, letters: &impl Letters) -> Result<Done, LettersError> {
    match command {
        Command::List { json, .. } => list(letters, json).await.map(Done::say),
        Command::Show { id, .. } => show(letters, id).await.map(Done::say),
        Command::Retry { which, .. } => {
            which.confirm("Try to store", letters).await?;
            Ok(which.retry(letters).await)
        }
        Command::Drop { which, .. } => {
            which.confirm("Drop for good", letters).await?;
            Ok(which.remove(letters).await)
        }
    }
}

async fn list(letters: &impl Letters, is_json: bool) -> Result<String, LettersError> {
    let mut text = String::new();
    for letter in letters.all().await? {
        let line = if is_json { letter.to_string() } else { row(&letter) };
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// Columns with tabs between, the error's text last.
fn row(letter: &Value) -> String {
    let columns = ["id", "setAsideAt", "reason", "tries", "userId", "eventId", "error"];
    let columns = columns.map(|name| match &letter[name] {
        Value::String(text) if name == "error" => text.replace(char::is_control, " "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    columns.join("\t")
}

async fn show(letters: &impl Letters, id: Uuid) -> Result<String, LettersError> {
    let letter = letters.get(id).await?.ok_or(LettersError::Unknown)?;
    Ok(format!("{letter:#}\n"))
}

impl Which {
    /// Asks where all letters are meant.
    async fn confirm(&self, doing: &str, letters: &impl Letters) -> Result<(), LettersError> {
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

    async fn retry(&self, letters: &impl Letters) -> Done {
        let mut done = Done::default();
        let mut all = RetriedAll::default();
        if self.all {
            done.error = letters.retry_all(&mut all).await.err();
        }
        for &id in &self.ids {
            match letters.retry(id).await {
                Ok(Some(tried)) => {
                    let told = match tried {
                        Tried::Stored => {
                            all.stored += 1;
                            "is stored".to_owned()
                        }
                        Tried::Duplicate => {
                            all.duplicates += 1;
                            "had been stored before".to_owned()
                        }
                        Tried::Refused(reason) => {
                            all.refused += 1;
                            format!("is refused again: {reason}")
                        }
                    };
                    done.text.push_str(&format!("{id} {told}\n"));
                }
                Ok(None) => done.is_unknown(id),
                Err(error) => {
                    done.error = Some(error);
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

    async fn remove(&self, letters: &impl Letters) -> Done {
        let mut done = Done::default();
        let mut dropped = 0;
        if self.all {
            done.error = letters.remove_all(&mut dropped).await.err();
        }
        for &id in &self.ids {
            match letters.remove(id).await {
                Ok(true) => dropped += 1,
                Ok(false) => done.is_unknown(id),
                Err(error) => {
                    done.error = Some(error);
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
