//! `trailkeep backup`: a copy of the embedded store, made while its service runs.
//!
//! What was accepted before the command is in it: it waits until that is stored. The copy
//! has its name once it is whole, and beside it the [`manifest`] by which `trailkeep restore`
//! knows that it is.

mod error;
pub mod manifest;
mod waiting;

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};
use trailkeep_event::Timestamp;
use trailkeep_store::embedded;
use trailkeep_store::whole_file::WholeFile;

use super::far::{Far, Unit};
use super::flags::Flags;
use crate::app;
use crate::config::Settings;
pub(super) use error::BackupError;
use manifest::{Manifest, digest_of};
pub(super) use waiting::NotWaited;

/// Copies the embedded store.
#[derive(Args)]
pub(super) struct Command {
    /// Where to; nothing may be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) flags: Flags,
}

/// A backup that is there.
pub(super) struct Done {
    /// What is to be printed.
    pub text: String,
    /// Why something that was accepted before may be missing in it.
    pub lack: Option<NotWaited>,
}

/// Does it.
pub(super) fn run(command: &Command, settings: &Settings) -> Result<Done, BackupError> {
    if settings.store.mongodb_uri.is_some() {
        return Err(BackupError::OnMongo);
    }
    let beside = manifest::beside(&command.file);
    for file in [&command.file, &beside] {
        if file.exists() {
            return Err(BackupError::Occupied(file.clone()));
        }
    }
    let lack = waiting::until_stored(settings).err();
    let (copy, manifest) = copy(command, settings)?;
    let failed = |source| BackupError::File { path: beside.clone(), source };
    let mut file = WholeFile::begin(&beside).map_err(failed)?;
    manifest.write(&mut file.file).and_then(|()| file.keep()).map_err(failed)?;
    // Last: what has the name of the backup has its manifest.
    let failed = |source| BackupError::File { path: command.file.clone(), source };
    copy.keep().map_err(failed)?;
    Ok(Done { text: told(command, &manifest), lack })
}

fn copy(command: &Command, settings: &Settings) -> Result<(WholeFile, Manifest), BackupError> {
    let failed = |source| BackupError::File { path: command.file.clone(), source };
    let data_dir = &settings.store.data_dir;
    let taken_at = Timestamp::now();
    let copy = WholeFile::begin(&command.file).map_err(failed)?;
    let mut far = Far::begin("copied", Unit::Bytes);
    let contents = embedded::copy(data_dir, copy.part(), &mut |done, of| far.show(done, of))?;
    drop(far);
    let mut far = Far::begin("checked", Unit::Bytes);
    let written = File::open(copy.part()).map_err(failed)?;
    let digest = digest_of(written, &mut |done, of| far.show(done, of)).map_err(failed)?;
    let manifest = Manifest::of(contents, digest, taken_at, app::instance_of(data_dir));
    Ok((copy, manifest))
}

fn told(command: &Command, manifest: &Manifest) -> String {
    format!(
        "{}: {}, of {}\n{}",
        command.file.display(),
        HumanBytes(manifest.bytes),
        manifest.taken_at,
        in_it(manifest)
    )
}

/// What is in a backup, as a line.
pub(super) fn in_it(manifest: &Manifest) -> String {
    format!(
        "{} events, {} ids, {} accounts of staff, {} dead letters, {} erasures\n",
        HumanCount(manifest.events),
        HumanCount(manifest.ids),
        HumanCount(manifest.staff),
        HumanCount(manifest.dead_letters),
        HumanCount(manifest.erasures)
    )
}
