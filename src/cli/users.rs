//! `trailkeep users`: the people whom events are about, from the shell. The running service is
//! asked: what it has accepted and not stored yet is a part of them, and it alone has that.

mod erase;
mod error;
mod export;

use std::path::PathBuf;

use clap::Subcommand;

use super::flags::Flags;
use super::place::{self, Place};
use crate::config::Settings;
pub(super) use error::UsersError;

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
    /// Erase a user for good, and all ids that are linked; wait until that is verified
    Erase(erase::Erase),
    /// Say how far an erasure is
    Receipt {
        /// What `erase` has printed
        #[arg(value_name = "ERASURE")]
        id: uuid::Uuid,
        #[command(flatten)]
        flags: Flags,
    },
    /// Have erasures not wait for an instance whose data folder is lost
    Lost {
        /// As the receipt of an erasure names it
        #[arg(value_name = "INSTANCE")]
        id: uuid::Uuid,
        #[command(flatten)]
        flags: Flags,
    },
    /// Keep again what is posted of a user who was erased with --block
    Unblock {
        /// Whose
        #[arg(value_name = "ID")]
        user_id: String,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Export { flags, .. }
            | Self::Receipt { flags, .. }
            | Self::Lost { flags, .. }
            | Self::Unblock { flags, .. } => flags,
            Self::Erase(erase) => &erase.flags,
        }
    }
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, UsersError> {
    place::work(settings, async |place| {
        let Place::Service(control) = place else { return Err(UsersError::NoService) };
        match command {
            Command::Export { user_id, out, .. } => {
                export::run(control, &user_id, out.as_deref()).await
            }
            Command::Erase(erase) => erase.run(control).await,
            Command::Receipt { id, .. } => erase::receipt(control, id).await,
            Command::Lost { id, .. } => erase::lose(control, id).await,
            Command::Unblock { user_id, .. } => erase::unblock(control, &user_id).await,
        }
    })
}
