//! Who may make the first account: says so in the log while there is none, and keeps the
//! set-up code where the operator finds it.
//!
//! The file is the code's only home: what the store has is its hash. So a restart goes on
//! with the code of the file, and where the file is gone the next start makes another; a
//! code that was shown before stays good besides.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::AccessStore;
use trailkeep_store::whole_file;

use crate::access::set_up::SetUpCode;

/// The pause before a store is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// How often it is looked whether there is an account, which another instance may have
/// made.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where the code is in a data folder.
fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("set-up-code")
}

/// What looks after the set-up code of one instance.
pub struct SetUp {
    pub store: Arc<dyn AccessStore>,
    pub clock: Arc<dyn Clock>,
    /// Told when this instance has made an account.
    pub made: Arc<Notify>,
    pub data_dir: PathBuf,
    /// Where a browser on this machine finds the service.
    pub url: String,
}

impl SetUp {
    /// Says whether anybody has an account, once the store can tell, and else how the
    /// first one is made. Ends when there is one, and the code is gone.
    pub async fn run(self, mut prepared: watch::Receiver<bool>) {
        if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
            return;
        }
        if self.is_somebody_there(PAUSE).await {
            self.clean_up().await;
            let post = format!("{}/api/auth/sign-in/email", self.url);
            info!(post, "there are staff accounts; sign in");
            return;
        }
        let file = path_in(&self.data_dir);
        let found = code_in(&file);
        let code = found.clone().unwrap_or_else(SetUpCode::random);
        // Before anybody can see it: what is shown is taken.
        while let Err(error) = self.announce(&code).await {
            debug!(%error, "the set-up code cannot be announced yet");
            sleep(PAUSE).await;
        }
        let is_kept = found.is_some() || keep(&file, &code);
        self.tell(&code, is_kept.then_some(&file));
        loop {
            // Whether it was told or not, it is looked again.
            let _ = timeout(LOOK_EVERY, self.made.notified()).await;
            if self.is_somebody_there(LOOK_EVERY).await {
                break;
            }
            if let Err(error) = self.announce(&code).await {
                debug!(%error, "whether the set-up code is known cannot be told now");
            }
        }
        self.clean_up().await;
        info!("the first staff account is there; the set-up code is gone");
    }

    async fn is_somebody_there(&self, pause: Duration) -> bool {
        loop {
            match self.store.accounts(None, 1).await {
                Ok(found) => return !found.is_empty(),
                Err(error) => {
                    debug!(%error, "whether there is a staff account cannot be told yet");
                }
            }
            sleep(pause).await;
        }
    }

    /// Has every instance take the code. A database that was emptied has it again.
    async fn announce(&self, code: &SetUpCode) -> Result<(), StoreError> {
        if code.is_one_of(&self.store.set_up_codes().await?) {
            return Ok(());
        }
        self.store.add_set_up_code(&code.hash(), self.clock.now()).await
    }

    fn tell(&self, code: &SetUpCode, file: Option<&PathBuf>) {
        let url = &self.url;
        info!(
            link = format!("{url}/console/set-up?code={code}"),
            file = file.map(|file| file.display().to_string()),
            post = format!("{url}/api/auth/sign-up/email"),
            body = format!(
                r#"{{"email": "...", "password": "...", "name": "...", "setupCode": "{code}"}}"#
            ),
            "there is no staff account yet; the first to sign up with the set-up code is the \
             administrator"
        );
    }

    /// With an account the codes are good for nothing. What cannot be removed now is
    /// removed by the next start.
    async fn clean_up(&self) {
        let file = path_in(&self.data_dir);
        if let Err(error) = fs::remove_file(&file)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(
                %error, file = %file.display(),
                "the set-up code is good for nothing any more; remove its file"
            );
        }
        if let Err(error) = self.store.clear_set_up_codes().await {
            debug!(%error, "hashes of set-up codes stay until the next start");
        }
    }
}

/// The code of the file, where it has one.
fn code_in(file: &Path) -> Option<SetUpCode> {
    read(file).unwrap_or_else(|error| {
        warn!(%error, file = %file.display(), "the set-up code cannot be read; there is another");
        None
    })
}

/// Puts the code into the file; whether it is there.
fn keep(file: &Path, code: &SetUpCode) -> bool {
    let kept = whole_file::write(file, format!("{code}\n").as_bytes());
    if let Err(error) = &kept {
        warn!(
            %error, file = %file.display(),
            "the set-up code cannot be kept, and is in the log alone; the next start makes another"
        );
    }
    kept.is_ok()
}

/// The code in the file, if there is one; a file that holds none is as if there were none.
fn read(file: &Path) -> io::Result<Option<SetUpCode>> {
    const MAX_BYTES: u64 = 200;
    let opened = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    opened.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let code = std::str::from_utf8(&bytes).ok().and_then(SetUpCode::read);
    if code.is_some() {
        // It may have been put there by somebody with another umask.
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_code_is_for_this_user_alone_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = path_in(folder.path());
        assert_eq!(code_in(&file), None);
        let code = SetUpCode::random();
        assert!(keep(&file, &code));
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{code}\n"));
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(code_in(&file), Some(code));
        assert_eq!(mode(&file), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_without_a_code_is_replaced_and_what_cannot_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = path_in(folder.path());
        for text in [&b""[..], b"none", &[0xff; 20], &[b'A'; 5000]] {
            fs::write(&file, text).unwrap();
            assert_eq!(code_in(&file), None);
            let code = SetUpCode::random();
            assert!(keep(&file, &code));
            assert_eq!(fs::read_to_string(&file).unwrap(), format!("{code}\n"));
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(code_in(&file), None);
        assert!(!keep(&file, &SetUpCode::random()));
    }
}
