//! `trailkeep restore`: a backup in the place of the embedded store.
//!
//! The backup is copied and checked before anything else is touched. Users who were erased
//! since are erased in it, what follows from its last events is done, and only then it takes
//! its place.

mod catching_up;
mod error;

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Runtime;
use trailkeep_event::time::SystemClock;
use trailkeep_event::{Arrival, Timestamp};
use trailkeep_store::embedded::Restoring;
use trailkeep_store::erasures::{ErasureList, IdHash};

use super::backup;
use super::backup::manifest::{Manifest, NotCopied, copy_of};
use super::erasures;
use super::far::{Far, Unit};
use super::flags::Flags;
use crate::access::audit::{Actor, action};
use crate::app::{StartError, Stores};
use crate::config::Settings;
use crate::privacy::erase::anew::Done;
use catching_up::{catch_up, most};
use error::RestoreFailed;

/// Restores the embedded store.
#[derive(Args)]
pub(super) struct Command {
    /// What `trailkeep backup` has made, its manifest beside it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it in the place of the database that is there, which goes
    #[arg(long)]
    replace: bool,
    /// Who was erased since: what `trailkeep erasures save` has written. The list of a database
    /// that is replaced is taken over by itself
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: &Command, settings: &Settings) -> Result<String, RestoreFailed> {
    if settings.store.mongodb_uri.is_some() {
        return Err(RestoreFailed::OnMongo);
    }
    let manifest = Manifest::read(&command.file)?;
    manifest.check_length(&command.file)?;
    check_clock(&manifest)?;
    let saved = command.erasures.as_deref().map(|path| saved_list(path, &manifest)).transpose()?;
    let restoring = Restoring::begin(&settings.store.data_dir, command.replace)?;
    copy(&command.file, &restoring.database(), &manifest)?;
    restoring.check()?;
    let replaced = restoring.erasures(Timestamp::now())?;
    restoring.carry_over()?;
    let lists = lists(saved, replaced);
    let done = make_ready(settings, &restoring, &lists, &manifest)?;
    let replaces = restoring.replaces();
    restoring.finish()?;
    Ok(told(command, &manifest, replaces, done))
}

/// Events get numbers by the clock, and those that come later need higher ones.
fn check_clock(manifest: &Manifest) -> Result<(), RestoreFailed> {
    let now = Timestamp::now();
    let highest = manifest.highest_arrival.map(|number| Arrival::from_i64(number).moment());
    let latest = highest.max(manifest.moment());
    match latest.filter(|latest| *latest > now) {
        Some(latest) => Err(RestoreFailed::ClockBehind { now, latest }),
        None => Ok(()),
    }
}

/// What the replaced database says is the newest, and has the last word; but for who is blocked:
/// it may be an older copy itself, which was put back without the saved list.
fn lists(saved: Option<ErasureList>, replaced: Option<ErasureList>) -> Vec<ErasureList> {
    let mut lists: Vec<ErasureList> = saved.into_iter().chain(replaced).collect();
    let blocked: HashSet<IdHash> = lists.iter().flat_map(|list| &list.blocked).copied().collect();
    for list in &mut lists {
        list.blocked = blocked.iter().copied().collect();
    }
    lists
}

fn saved_list(path: &Path, manifest: &Manifest) -> Result<ErasureList, RestoreFailed> {
    let list = erasures::read(path)?;
    if manifest.moment().is_some_and(|taken_at| list.taken_at < taken_at) {
        return Err(RestoreFailed::OldList { path: path.to_owned(), taken_at: list.taken_at });
    }
    Ok(list)
}

/// What was copied is what is checked: the backup may change meanwhile.
fn copy(backup: &Path, place: &Path, manifest: &Manifest) -> Result<(), RestoreFailed> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreFailed::File { path: path.clone(), source }
    };
    let from = File::open(backup).map_err(at(backup))?;
    let mut options = OpenOptions::new();
    let mut to = options.write(true).create_new(true).mode(0o600).open(place).map_err(at(place))?;
    let mut far = Far::begin("copied", Unit::Bytes);
    let copied = copy_of(from, &mut to, &mut |done, of| far.show(done, of));
    let copied = copied.map_err(|failed| match failed {
        NotCopied::Read(source) => at(backup)(source),
        NotCopied::Write(source) => at(place)(source),
    })?;
    manifest.check(&copied)?;
    Ok(())
}

/// Erases who is in the lists, in a database that nobody else has, does what follows from its last
/// events, and notes what was done.
fn make_ready(
    settings: &Settings,
    restoring: &Restoring,
    lists: &[ErasureList],
    manifest: &Manifest,
) -> Result<Option<Done>, RestoreFailed> {
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    runtime.block_on(async {
        let stores = Stores::in_folder(settings, restoring.staging())?;
        let mut all = None;
        for list in lists {
            all = Some(erasures::carry_out(settings, &stores, list).await?);
        }
        catch_up(&stores, restoring.newest(most(settings))?).await?;
        let deed = Actor::shell().did(action::RESTORE, Some(&manifest.taken_at), &SystemClock);
        stores.access.record(&[deed]).await?;
        stores.events.close().await;
        Ok(all)
    })
}

fn told(command: &Command, manifest: &Manifest, replaces: bool, done: Option<Done>) -> String {
    let mut told = format!(
        "restored: {}, of {}\n{}",
        command.file.display(),
        manifest.taken_at,
        backup::in_it(manifest)
    );
    told += &match done {
        Some(done) => erasures::told(&done),
        None => "Users who were erased since the backup are in it again: no list of them was \
                 there. Where one was saved, restore again with --replace and --erasures.\n"
            .to_owned(),
    };
    told += if replaces {
        "Staff, tokens, write keys and the audit trail go on from the database that was replaced. \
         All have to sign in again.\n"
    } else {
        "Staff, tokens and write keys are those of the backup, also what was revoked since: look \
         through them. All have to sign in again.\n"
    };
    told
}
