//! The real binary as a process.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::trouble::{Trouble, While as _};
use crate::watchdog::Watchdog;

/// How long a start, with all that has to be stored before it is done, may take.
const READY_LIMIT: Duration = Duration::from_secs(90);
/// How long a stop may take; the service's own limit is 15 s.
const STOP_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
/// The exit code of a service of which a part has ended that must not.
const PART_ENDED: i32 = 5;

/// Where its log goes, in its data folder.
const LOG: &str = "service.log";

/// The service's binary: the one that was named, else the one of this build.
pub fn find_binary(named: Option<&Path>) -> Result<PathBuf, Trouble> {
    let own = std::env::current_exe().during("looking for this program")?;
    let folder = own.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let binary = named.map_or_else(|| folder.join("trailkeep"), Path::to_owned);
    if binary.is_file() {
        return binary.canonicalize().during("looking for the service");
    }
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => String::new(),
        Some(name) => format!(" --profile {name}"),
    };
    Err(Trouble(format!("there is no {}; build it with: cargo build{profile}", binary.display())))
}

/// The library that fakes the clock, where it is installed.
pub fn libfaketime() -> Option<PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
    folders
        .iter()
        .map(|folder| Path::new(folder).join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
}

/// How a service is started, again and again.
pub struct Launch {
    pub binary: PathBuf,
    pub folder: PathBuf,
    pub settings: Vec<(String, String)>,
}

/// A running service. Dropping it kills it.
pub struct Service {
    child: Child,
    watchdog: Option<Watchdog>,
    readers: Vec<JoinHandle<()>>,
}

impl Launch {
    /// Starts a process, which may write no file larger than so many bytes.
    /// Nothing of this environment reaches it.
    pub fn start(&self, file_bytes: Option<u64>) -> Result<Service, Trouble> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join(LOG))
            .during("opening the service's log")?;
        // A write beyond a limit of its size fails, and does not end the process.
        let mut child = Command::new("sh")
            .args(["-c", r#"trap '' XFSZ; exec prlimit "$1" "$0""#])
            .arg(&self.binary)
            .arg(file_size(file_bytes))
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("DATA_DIR", &self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .during("starting the service")?;
        let watchdog = Some(Watchdog::over(&child, &self.folder));
        // Through a pipe, because a limit on the size of files would hold for
        // the log as well.
        let mut readers = Vec::new();
        if let (Some(out), Ok(log)) = (child.stdout.take(), log.try_clone()) {
            readers.push(copy(out, log));
        }
        if let Some(err) = child.stderr.take() {
            readers.push(copy(err, log));
        }
        Ok(Service { child, watchdog, readers })
    }

    /// The last lines that the service wrote.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

fn copy(mut from: impl Read + Send + 'static, mut to: File) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
    })
}

impl Service {
    /// Waits until `/readyz` at this address answers 200.
    pub async fn wait_until_ready(
        &mut self,
        http: &reqwest::Client,
        url: &str,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + READY_LIMIT;
        loop {
            let answer = http.get(format!("{url}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait().during("asking after the service")? {
                return Err(Trouble(format!("the service ended by itself, with {status}")));
            }
            if Instant::now() > deadline {
                return Err(Trouble(format!("the service was not ready after {READY_LIMIT:?}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash would.
    pub async fn kill(mut self) -> Result<(), Trouble> {
        self.child.kill().during("killing the service")?;
        self.wait().await?;
        Ok(())
    }

    /// Sends it a signal by its name, such as `STOP`.
    pub fn signal(&self, name: &str) -> Result<(), Trouble> {
        run(Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]))
    }

    /// Tells it to stop, and checks that it says that all is kept.
    pub async fn stop(mut self) -> Result<(), Trouble> {
        self.signal("TERM")?;
        let status = self.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(Trouble(format!("a stop ended with {status}")))
    }

    /// Waits until it has ended by itself, and checks that it says that a part
    /// of it has failed.
    pub async fn fail(mut self) -> Result<(), Trouble> {
        let status = self.wait().await?;
        if status.code() == Some(PART_ENDED) {
            return Ok(());
        }
        Err(Trouble(format!("a service whose disk fails ended with {status}")))
    }

    /// Limits how large a file it may write, in bytes; `None` lifts the limit.
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<(), Trouble> {
        run(Command::new("prlimit").arg(format!("--pid={}", self.pid())).arg(file_size(bytes)))
    }

    async fn wait(&mut self) -> Result<ExitStatus, Trouble> {
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().during("waiting for the service")? {
                self.end_helpers();
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(Trouble(format!("the service did not end in {STOP_LIMIT:?}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn end_helpers(&mut self) {
        self.watchdog = None;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// As `prlimit` takes it.
fn file_size(bytes: Option<u64>) -> String {
    let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    format!("--fsize={limit}:unlimited")
}

fn run(command: &mut Command) -> Result<(), Trouble> {
    let name = command.get_program().display().to_string();
    let status = command.status().during(&name)?;
    if status.success() {
        return Ok(());
    }
    Err(Trouble(format!("{name} ended with {status}")))
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.end_helpers();
    }
}
