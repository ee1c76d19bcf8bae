//! Ends a service whose test process was killed before it could do so itself.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, which comes with the end of the test
/// process, and cleans up behind it.
const WATCH: &str = r#"trap '' INT TERM HUP; read -r _; kill -KILL "$1"; rm -rf "$2""#;

/// Stands by one service. Dropping it calls it off, to be done as soon as the
/// service has ended.
pub struct Watchdog(Child);

impl Watchdog {
    /// Watches over a service and its folder.
    pub fn over(service: &Child, folder: &Path) -> Self {
        Self::watching(&service.id().to_string(), folder)
    }

    /// Watches over the leader of a group of processes, all of them, and their folder.
    pub fn over_group(leader: &Child, folder: &Path) -> Self {
        Self::watching(&format!("-{}", leader.id()), folder)
    }

    fn watching(target: &str, folder: &Path) -> Self {
        let shell = Command::new("sh")
            .args(["-c", WATCH, "watchdog", target])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        Self(shell)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
