//! `trailkeep erasures`: the list of who was erased, kept apart from the database, and carried
//! out on one that was put back from an older copy.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::HumanCount;
use tokio::runtime::Runtime;
use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::embedded::{self, CopyError};
use trailkeep_store::erasures::{ErasureList, NotAList};
use trailkeep_store::whole_file::WholeFile;
use uuid::Uuid;

use super::far::{Far, Unit};
use super::flags::Flags;
use super::place::{self, Place, PlaceError};
use crate::app::{self, StartError, Stores};
use crate::config::Settings;
use crate::privacy::erase::anew::{AnewError, Done};

/// What can be done about the list.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Write the list into a file, in the place of an older one. The service may run
    Save {
        /// Where to: another disk than the database's
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        flags: Flags,
    },
    /// Erase anew who is in the list and in the database. No instance may run
    Apply {
        /// What `save` has written, newer than what was put back
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Save { flags, .. } | Self::Apply { flags, .. } => flags,
        }
    }
}

/// Why the list was not written, read or carried out.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", .path.display())]
    NotAList { path: PathBuf, source: NotAList },
    #[error(
        "{} has erasures that the database does not know: an older copy of it was put back, or it is \
         another one. Keep the file, and run `trailkeep erasures apply` with it; or name another \
         file", .0.display()
    )]
    WentBack(PathBuf),
    #[error("no service has run on this database, so there is no list to be saved")]
    NobodyRan,
    #[error("a service runs on this data folder. Stop it, and all other instances on the database")]
    Runs,
    #[error(transparent)]
    Anew(#[from] AnewError),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: &Command, settings: &Settings) -> Result<String, ListError> {
    match command {
        Command::Save { file, .. } => save(file, settings),
        Command::Apply { file, .. } => {
            let list = read(file)?;
            place::work(settings, async |place| {
                let Place::Stores(stores) = place else { return Err(ListError::Runs) };
                carry_out(settings, stores, &list).await.map(|done| told(&done))
            })
        }
    }
}

/// The list that a file has.
pub(super) fn read(path: &Path) -> Result<ErasureList, ListError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ListError::File { path: path.to_owned(), source })?;
    ErasureList::from_json(&text)
        .map_err(|source| ListError::NotAList { path: path.to_owned(), source })
}

/// Carries a list out on stores that nobody else has.
pub(super) async fn carry_out(
    settings: &Settings,
    stores: &Stores,
    list: &ErasureList,
) -> Result<Done, ListError> {
    // What is looked for is found by its indexes.
    stores.events.prepare().await?;
    let mut far = Far::begin("erased anew", Unit::Erasures);
    let mut show = |done: usize, of: usize| far.show(done as u64, of as u64);
    Ok(app::anew(settings, stores).carry_out(list, &mut show).await?)
}

/// What was done, as a line.
pub(super) fn told(done: &Done) -> String {
    format!(
        "erased anew: {} ids of {} erasures, {} events and entries of feeds\n",
        HumanCount(done.ids as u64),
        HumanCount(done.erasures as u64),
        HumanCount(done.removed)
    )
}

fn save(path: &Path, settings: &Settings) -> Result<String, ListError> {
    let list = list_of(settings)?;
    if path.exists() && !knows_all_of(&list, &read(path)?) {
        return Err(ListError::WentBack(path.to_owned()));
    }
    let text = list.to_json()?;
    let failed = |source| ListError::File { path: path.to_owned(), source };
    let mut file = WholeFile::begin(path).map_err(failed)?;
    file.file.write_all(text.as_bytes()).and_then(|()| file.keep()).map_err(failed)?;
    Ok(format!(
        "{}: {} erasures, {} ids blocked\n",
        path.display(),
        HumanCount(list.erasures.len() as u64),
        HumanCount(list.blocked.len() as u64)
    ))
}

/// Whether a list goes on from an older one: erasures are kept for good.
fn knows_all_of(list: &ErasureList, older: &ErasureList) -> bool {
    let known: HashSet<Uuid> = list.erasures.iter().map(|erasure| erasure.id).collect();
    list.key == older.key && older.erasures.iter().all(|erasure| known.contains(&erasure.id))
}

/// The embedded store is read as it is: its service may run.
fn list_of(settings: &Settings) -> Result<ErasureList, ListError> {
    // Before it is read, so that the list is never called newer than it is.
    let now = Timestamp::now();
    if settings.store.mongodb_uri.is_none() {
        return Ok(embedded::erasure_list(&settings.store.data_dir, now)?);
    }
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    runtime.block_on(async {
        let stores = Stores::open(settings).await?;
        // Asked for its list, a database without one would make the key of an empty one.
        let list = match stores.erasures.instances().await?.is_empty() {
            true => Err(ListError::NobodyRan),
            false => Ok(ErasureList::of(&*stores.erasures, now).await?),
        };
        stores.events.close().await;
        list
    })
}
