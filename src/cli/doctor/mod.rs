//! `trailkeep doctor`: what is wrong, and what to do about it.
//!
//! It changes nothing, and so may be run at any time, beside a service that runs and
//! without one. Each check looks, and then judges what it found, which no disk and no
//! database are needed for.

mod database;
mod finding;
mod folder;
mod journal;
mod lock;
mod moved;
mod settings;
mod words;

use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;
use trailkeep_store::embedded::{self, OpenError};
use trailkeep_store::mongo::{self, MongoStore};
use trailkeep_store::payloads::PayloadKey;
use trailkeep_store::{Store as _, StoreError};

use super::flags::Flags;
use crate::app;
use crate::config::{ConfigErrors, Loaded, MongodbUri, Settings};
use crate::ingest::reserve;
use crate::ingest::room::Amount;
use database::Looked;
use finding::Finding;
use folder::Need;

/// How `doctor` is asked to answer.
#[derive(clap::Args)]
pub(super) struct Command {
    /// Print one JSON object instead of a line a check
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub flags: Flags,
}

/// What was found.
pub(super) struct Examined {
    /// For whoever asked.
    pub text: String,
    /// Whether no check failed.
    pub is_sound: bool,
}

/// Looks at everything that the settings name, if they are valid.
pub(super) fn run(command: &Command, loaded: &Result<Loaded, ConfigErrors>) -> Examined {
    let findings = match loaded {
        Ok(loaded) => {
            let mut findings = vec![settings::of_loaded(loaded)];
            findings.extend(settings::of_processors(loaded));
            findings.extend(examine(&loaded.settings));
            findings
        }
        Err(errors) => settings::of_mistakes(errors),
    };
    let text = if command.json { finding::to_json(&findings) } else { finding::lines(&findings) };
    Examined { text, is_sound: finding::is_sound(&findings) }
}

fn examine(settings: &Settings) -> Vec<Finding> {
    let data_dir = &settings.store.data_dir;
    let journal_dir = app::journal_folder(data_dir);
    let hold = lock::ask(data_dir, &journal_dir);
    let is_held = lock::is_held(&hold);
    let journal = trailkeep_journal::inspect(&journal_dir, is_held);
    let inspected = journal.as_ref().ok().copied().flatten();
    let unsettled = inspected.map_or_else(Amount::default, |inspected| Amount {
        events: usize::try_from(inspected.unsettled.weight).unwrap_or(usize::MAX),
        bytes: usize::try_from(inspected.unsettled.bytes).unwrap_or(usize::MAX),
    });
    let taken = inspected.map_or(0, |inspected| inspected.bytes);
    let need = need(settings, unsettled.bytes as u64, taken);
    let limit = Amount { events: settings.backlog.max_events, bytes: settings.backlog.max_bytes };

    let mut findings = vec![
        folder::judge(data_dir, folder::look(data_dir), need),
        lock::judge(&hold),
        journal::judge(&journal_dir, &journal, settings.journal.max_bytes),
    ];
    let is_mongodb = settings.store.mongodb_uri.is_some();
    findings.extend(database::judge(&look_at_database(settings, is_held), is_mongodb));
    findings.extend(moved::judge(data_dir, is_mongodb));
    if journal.is_ok() {
        findings.push(journal::judge_backlog(unsettled, limit, is_held));
    }
    findings
}

/// The embedded store is on the same disk.
fn need(settings: &Settings, unsettled_bytes: u64, taken: u64) -> Need {
    let limit = settings.backlog.max_bytes as u64;
    if settings.store.mongodb_uri.is_some() {
        // The journal has the disk for itself, and needs its next segment.
        return Need { now: trailkeep_journal::SEGMENT_BYTES, at_most: limit, taken };
    }
    let at_most = limit.saturating_add(reserve::needed(limit));
    Need { now: reserve::needed(unsettled_bytes), at_most, taken }
}

fn look_at_database(settings: &Settings, is_held: bool) -> Looked {
    let data_dir = &settings.store.data_dir;
    match &settings.store.mongodb_uri {
        Some(uri) => match embedded::refuse_half_moved(data_dir) {
            Ok(()) => look_at_mongodb(settings, uri),
            Err(error) => no_start(&error),
        },
        None => look_at_file(data_dir, is_held, &app::payload_keys(settings)),
    }
}

fn look_at_file(data_dir: &Path, is_held: bool, keys: &[PayloadKey]) -> Looked {
    match embedded::inspect(data_dir, is_held, keys) {
        Ok(Some(inspection)) => Looked::At(inspection),
        Ok(None) => Looked::NotYet,
        Err(error) => no_start(&error),
    }
}

fn no_start(error: &OpenError) -> Looked {
    let to_do = "a start would end with the same: mend that first".to_owned();
    Looked::Failed { error: error.to_string(), to_do }
}

fn look_at_mongodb(settings: &Settings, uri: &MongodbUri) -> Looked {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = format!("this system gives no threads to ask it with: {error}");
            return Looked::Failed { error, to_do: "see what limits this user".to_owned() };
        }
    };
    let looked = runtime.block_on(async {
        let store = match MongoStore::connect(uri.expose(), &app::of_mongodb(settings)).await {
            Ok(store) => store,
            Err(error) => {
                let to_do = "mend store.mongodb_uri (MONGODB_URI)".to_owned();
                return Looked::Failed { error: error.to_string(), to_do };
            }
        };
        let looked = match store.inspect(&app::payload_keys(settings)).await {
            Ok(inspection) => Looked::At(inspection),
            Err(error) => {
                let to_do = after(&error, &mongo::place(uri.expose()).hosts);
                Looked::Failed { error: error.to_string(), to_do }
            }
        };
        let _ = timeout(Duration::from_secs(2), store.close()).await;
        looked
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    looked
}

/// What to do about a database that does not answer as it should.
fn after(error: &StoreError, hosts: &str) -> String {
    match error {
        StoreError::Unavailable(_) => format!(
            "see whether it runs at {hosts} and whether this machine may connect to it; what is \
             accepted meanwhile stays in the journal"
        ),
        StoreError::Denied(_) => {
            "mend the name, the password or the rights of its user, or MONGODB_URI".to_owned()
        }
        StoreError::Refused(_) | StoreError::Unreadable(_) => {
            "see whether another program writes to this database".to_owned()
        }
    }
}
