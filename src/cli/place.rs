//! Where a command does its work: at the service that has the data folder, or, where
//! nobody has it, in the stores themselves. So nobody has to stop a service to ask it
//! something, and none has to run.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout};
use trailkeep_store::StoreError;
use trailkeep_store::embedded::OpenError;

use super::control::{Control, ControlError};
use crate::app::{self, StartError, Stores};
use crate::config::Settings;

/// For how long a process may have the folder and not listen yet, or not any more: it
/// starts, it stops, or it is another command.
const HANDOVER: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(100);

/// What closing the stores may take.
const CLOSING: Duration = Duration::from_secs(2);

/// Where a command does its work.
pub enum Place {
    /// At the service that has the folder.
    Service(Control),
    /// Here, in prepared stores.
    Stores(Stores),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(
        "{source}. It does not listen at {socket}, where this command would ask it; if it is the \
         service, its log says why not, and with it stopped this command does the work itself"
    )]
    InUse {
        /// Who has the folder, as far as known.
        source: StartError,
        /// Where it would listen.
        socket: String,
    },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Does some work at its place.
pub fn work<T, E: From<PlaceError>>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Place) -> Result<T, E>,
) -> Result<T, E> {
    let runtime =
        Runtime::new().map_err(|error| PlaceError::from(StartError::System(error.to_string())))?;
    let done = runtime.block_on(async {
        let place = Place::open(settings).await?;
        let done = work(&place).await;
        if let Place::Stores(stores) = &place {
            let _ = timeout(CLOSING, stores.events.close()).await;
        }
        done
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

impl Place {
    async fn open(settings: &Settings) -> Result<Self, PlaceError> {
        let deadline = Instant::now() + HANDOVER;
        loop {
            if let Some(control) = Control::at(settings).await? {
                return Ok(Self::Service(control));
            }
            match Stores::open(settings).await {
                Ok(stores) => {
                    stores.events.prepare().await?;
                    return Ok(Self::Stores(stores));
                }
                Err(source @ StartError::Embedded(OpenError::Locked { .. })) => {
                    if Instant::now() >= deadline {
                        let socket = app::control_socket(&settings.store.data_dir);
                        let socket = socket.display().to_string();
                        return Err(PlaceError::InUse { source, socket });
                    }
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
