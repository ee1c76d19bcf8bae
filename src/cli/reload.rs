//! `trailkeep reload`: a running service reads its settings again.
//!
//! Those are the service's own: the file and the flags that it was started with. The settings
//! of this command say where it is, and nothing else of them counts: what is wrong with a file
//! that both have, or what they say of another database, is the service's to tell.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Runtime;

use super::control::{Control, ControlError, Refused};
use super::flags::Flags;
use crate::app::{self, StartError};

/// The kind of problem that the service has with its settings.
const WRONG: &str = "wrong-settings";

/// Where the service is that is meant.
#[derive(Args)]
pub(super) struct Command {
    #[command(flatten)]
    pub flags: Flags,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    /// Something is wrong with the settings.
    #[error("the settings are wrong, and nothing was changed:\n{}", lines(.0))]
    Wrong(Refused),
    #[error(
        "no service listens at {}: it is not running, or has another data folder (DATA_DIR), or \
         its log says why it has no control socket. Then SIGHUP does the same",
        .0.display()
    )]
    NoService(PathBuf),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Start(#[from] StartError),
}

fn lines(refused: &Refused) -> String {
    refused.messages().map(|message| format!("  {message}")).collect::<Vec<_>>().join("\n")
}

/// What the service says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reloaded {
    changed: Vec<String>,
    needs_restart: Vec<String>,
}

/// Asks the service that has this data folder, and answers what is to be printed.
pub(super) fn run(data_dir: PathBuf) -> Result<String, ReloadError> {
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let socket = app::control_socket(&data_dir);
    let reloaded = runtime.block_on(async {
        let Some(control) = Control::in_folder(&data_dir).await? else {
            return Err(ReloadError::NoService(socket));
        };
        control.post::<Reloaded>("/api/reload", &json!({})).await.map_err(|error| match error {
            ControlError::Refused(refused) if refused.kind() == WRONG => {
                ReloadError::Wrong(refused)
            }
            error => error.into(),
        })
    })?;
    Ok(told(&reloaded))
}

fn told(reloaded: &Reloaded) -> String {
    let line = |what: &str, paths: &[String]| match paths {
        [] => String::new(),
        paths => format!("{what}: {}\n", paths.join(", ")),
    };
    let told =
        line("changed", &reloaded.changed) + &line("needs a restart", &reloaded.needs_restart);
    if told.is_empty() { "nothing differs from what is in force\n".to_owned() } else { told }
}
