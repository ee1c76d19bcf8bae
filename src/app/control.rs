//! The control socket, `DATA_DIR/control.sock`: how the commands of this program ask the
//! service that has the folder.
//!
//! - *One service, one socket.* It is made while the folder's lock is held, and removed
//!   before that is given back. So a file that is there when one is to be made is of a
//!   service that was killed, and is replaced.
//! - *Nobody else can ever open it.* A socket is made with whatever rights the umask of
//!   the whole process leaves, and a folder with those that are named. So it is made in a
//!   folder that nobody else can enter, gets its rights there, and then its name, in one
//!   step.
//! - *A service without one works.* Nothing that stands against it ends a start.

use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::future::pending;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_http::normalize_path::NormalizePath;
use tracing::{debug, warn};

use super::stores;
use crate::config::Settings;
use crate::http::listener::ControlListener;
use crate::http::server::{self, ConnectionLimits};
use crate::http::terms::InForce;

/// Bytes of the longest path that a socket can have; the system adds one, and has room
/// for 108.
const MAX_PATH: usize = 107;

/// Connections that are served at once. Not of those that clients may have, so that a
/// flood of these keeps no command out.
const MAX_CONNECTIONS: usize = 32;

/// The folder in which it is made, and its name there. Together no longer than the name
/// that it gets, so that a path that is short enough for that one is so for this.
const ASIDE: &str = ".control";
const UNNAMED: &str = "s";

/// Where it is in a data folder.
pub fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
enum NoSocket {
    #[error(
        "there is no control socket: the path {} is {} bytes long, and that of a socket may have \
         {MAX_PATH}. Choose a shorter store.data_dir (DATA_DIR)",
        .0.display(), .0.as_os_str().len()
    )]
    LongPath(PathBuf),
    #[error(
        "there is no control socket: something else is called {}. Move it away, and start again",
        .0.display()
    )]
    OtherFile(PathBuf),
    #[error(
        "there is no control socket: {} cannot be made: {source}. Choose a store.data_dir \
         (DATA_DIR) on a file system that has sockets, and in which this user may make one",
        .path.display()
    )]
    System { path: PathBuf, source: io::Error },
}

/// The socket, served.
pub struct Control {
    server: Option<JoinHandle<()>>,
    file: Option<SocketFile>,
}

impl Control {
    /// Makes the socket in a folder that this process has, and serves it until `stop`. In
    /// a folder where none can be made nothing is served, and the log says why.
    pub fn start(
        settings: &Settings,
        router: NormalizePath<Router>,
        limits: ConnectionLimits,
        in_force: Arc<InForce>,
        stop: CancellationToken,
    ) -> Self {
        let (socket, file) = match open(&settings.store.data_dir) {
            Ok(opened) => opened,
            Err(error) => {
                warn!(
                    "{error}. Until then commands open the database themselves, for which the \
                     embedded store needs this service to be stopped"
                );
                return Self { server: None, file: None };
            }
        };
        let store = HeaderValue::from_str(&stores::place(settings)).ok();
        let listener = ControlListener { socket, store };
        let limits = ConnectionLimits { max_connections: MAX_CONNECTIONS, ..limits };
        let server = tokio::spawn(server::serve(listener, router, limits, in_force, stop));
        Self { server: Some(server), file: Some(file) }
    }

    /// Waits until it is served no more, which does not happen before a stop.
    pub async fn ended(&mut self) {
        match &mut self.server {
            Some(server) => drop(server.await),
            None => pending().await,
        }
    }

    /// Removes the socket, and waits until the requests in flight are answered.
    pub async fn stop(mut self, deadline: Instant) {
        drop(self.file.take());
        if let Some(server) = self.server.as_mut().filter(|server| !server.is_finished())
            && timeout_at(deadline, &mut *server).await.is_err()
        {
            server.abort();
        }
    }
}

/// The name of a socket in the data folder. Dropping it removes the name.
struct SocketFile {
    path: PathBuf,
    /// Its device and number: what has the name later may be another's.
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            debug!(%error, "the control socket stays; the next start replaces it");
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn open(data_dir: &Path) -> Result<(UnixListener, SocketFile), NoSocket> {
    let path = path_in(data_dir);
    if path.as_os_str().len() > MAX_PATH {
        return Err(NoSocket::LongPath(path));
    }
    // What somebody put there is not ours to remove.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.file_type().is_socket()) {
        return Err(NoSocket::OtherFile(path));
    }
    let opened = make(data_dir, &path)
        .and_then(|listener| Ok((listener, identity(&fs::symlink_metadata(&path)?))));
    match opened {
        Ok((listener, identity)) => Ok((listener, SocketFile { path, identity })),
        Err(source) => Err(NoSocket::System { path, source }),
    }
}

/// Makes the socket where nobody else can come, and gives it its name.
fn make(data_dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let folder = data_dir.join(ASIDE);
    let unnamed = folder.join(UNNAMED);
    // Of a process that was killed in between.
    clear(&folder, &unnamed)?;
    DirBuilder::new().mode(0o700).create(&folder)?;
    let made = UnixListener::bind(&unnamed).and_then(|listener| {
        fs::set_permissions(&unnamed, Permissions::from_mode(0o600))?;
        fs::rename(&unnamed, path)?;
        Ok(listener)
    });
    clear(&folder, &unnamed).and(made)
}

fn clear(folder: &Path, unnamed: &Path) -> io::Result<()> {
    let unless_gone = |removed: io::Result<()>| match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    unless_gone(fs::remove_file(unnamed))?;
    unless_gone(fs::remove_dir(folder))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::os::unix::net::UnixStream;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn refusal(data_dir: &Path) -> String {
        match open(data_dir) {
            Ok(_) => panic!("it was opened"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn it_is_for_this_user_alone_in_a_folder_that_all_can_enter_and_goes_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let path = path_in(folder.path());
        let (listener, file) = open(folder.path()).unwrap();
        assert_eq!(mode(&path), 0o600);
        UnixStream::connect(&path).unwrap();
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        drop((listener, file));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_replaced_and_what_another_made_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        fs::create_dir(folder.path().join(ASIDE)).unwrap();
        fs::write(folder.path().join(ASIDE).join(UNNAMED), "").unwrap();
        let (listener, first) = open(folder.path()).unwrap();
        drop(listener);
        let (_listener, _file) = open(folder.path()).unwrap();
        UnixStream::connect(&path).unwrap();
        drop(first);
        UnixStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn what_stands_against_it_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_in(folder.path());
        fs::write(&path, "mine").unwrap();
        assert!(refusal(folder.path()).contains("control.sock. Move it away"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(refusal(folder.path()).contains("control.sock. Move it away"));

        // As where a file system has none.
        fs::remove_dir(&path).unwrap();
        fs::create_dir(folder.path().join(ASIDE)).unwrap();
        fs::write(folder.path().join(ASIDE).join("other"), "mine").unwrap();
        for folder in [folder.path(), &folder.path().join("none")] {
            let told = refusal(folder);
            assert!(told.contains("file system that has sockets"), "{told}");
        }

        let room = MAX_PATH - path_in(folder.path()).as_os_str().len() - 1;
        let longest = folder.path().join("l".repeat(room));
        let longer = folder.path().join("l".repeat(room + 1));
        for folder in [&longest, &longer] {
            fs::create_dir(folder).unwrap();
        }
        open(&longest).unwrap();
        let told = refusal(&longer);
        assert!(told.contains("is 108 bytes long, and that of a socket may have 107"), "{told}");
        assert!(told.contains("a shorter store.data_dir"), "{told}");
    }
}
