//! `trailkeep users`: the people whom events are about, from the shell.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::control::{Control, ControlError};
use super::flags::Flags;
use super::place::{self, Place, PlaceError};
use crate::config::Settings;
use crate::console::links::segment;

/// What can be done about a user from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Write all that is known of a user into a file, a JSON object a line, to be sent to
    /// the person
    Export {
        /// Whose; what is known of linked ids is in it
        #[arg(value_name = "ID")]
        user_id: String,
        /// Where to. Without it, to the standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum UsersError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(
        "no service has this data folder. Start it: what it has accepted and not stored yet is \
         a part of what is known, and it alone can tell that"
    )]
    NoService,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Export { flags, .. } => flags,
        }
    }
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, UsersError> {
    let Command::Export { user_id, out, .. } = command;
    place::work(settings, async |place| match place {
        Place::Service(control) => match out {
            Some(path) => to_file(control, &user_id, &path).await,
            None => {
                let written = write(control, &user_id, &mut io::stdout().lock()).await?;
                written.map_err(UsersError::Output)?;
                Ok(String::new())
            }
        },
        Place::Stores(_) => Err(UsersError::NoService),
    })
}

/// Under another name until it is whole, and for nobody else to read.
async fn to_file(control: &Control, user_id: &str, path: &Path) -> Result<String, UsersError> {
    let failed = |error| UsersError::File { path: path.to_owned(), error };
    if path.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&part);
    let written = fill(control, user_id, file.map_err(failed)?).await;
    let done = match written {
        Ok(Ok(bytes)) => fs::rename(&part, path).map(|()| bytes).map_err(failed),
        Ok(Err(error)) => Err(failed(error)),
        Err(error) => Err(error.into()),
    };
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done.map(|bytes| format!("{bytes} bytes in {}\n", path.display()))
}

async fn fill(
    control: &Control,
    user_id: &str,
    mut file: File,
) -> Result<io::Result<u64>, ControlError> {
    let written = write(control, user_id, &mut file).await?;
    Ok(written.and_then(|bytes| file.sync_all().map(|()| bytes)))
}

/// How many bytes there were.
async fn write(
    control: &Control,
    user_id: &str,
    out: &mut impl Write,
) -> Result<io::Result<u64>, ControlError> {
    let mut download = control.download(&format!("/users/{}/export", segment(user_id))).await?;
    let mut bytes = 0;
    while let Some(more) = download.more().await? {
        if let Err(error) = out.write_all(&more) {
            return Ok(Err(error));
        }
        bytes += more.len() as u64;
    }
    Ok(out.flush().map(|()| bytes))
}
