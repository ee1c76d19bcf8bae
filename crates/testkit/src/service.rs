//! The real binary as a process: started, watched, signalled.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::eventually::{SOON, eventually};
use crate::home::{Home, binary};
use crate::watchdog::Watchdog;

/// A running service. Dropping it kills it; when the test has failed, its log
/// is printed.
pub struct Service {
    process: Process,
    address: SocketAddr,
    folder: PathBuf,
    /// Opens a connection for each request: one that is kept may be closed by
    /// the service in the moment in which the next request is sent.
    pub http: reqwest::Client,
    /// The administrator's session, once there is one.
    pub admin: OnceCell<String>,
}

/// How a service ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All that it wrote.
    pub log: String,
}

impl Service {
    /// Starts a service with the default settings and waits until it is ready.
    pub async fn start(home: &Home) -> Self {
        Self::start_with(home, &[]).await
    }

    /// Starts a service with some settings, by their names in the environment,
    /// and waits until it is ready and an administrator is signed in.
    pub async fn start_with(home: &Home, settings: &[(&str, &str)]) -> Self {
        let service = Self::start_unready(home, settings).await;
        service.wait_until_ready().await;
        service.admin().await;
        service
    }

    /// Starts a service as [`start_with`](Self::start_with) does, with flags besides.
    pub async fn start_with_flags(home: &Home, flags: &[&str], settings: &[(&str, &str)]) -> Self {
        let service = Self::listening(home, Process::spawn(home, flags, settings)).await;
        service.wait_until_ready().await;
        service.admin().await;
        service
    }

    /// Starts a service and waits only until it listens.
    pub async fn start_unready(home: &Home, settings: &[(&str, &str)]) -> Self {
        Self::listening(home, Process::spawn(home, &[], settings)).await
    }

    /// Starts a service whose data folder is a file system of so many bytes, which
    /// goes with it. Needs user namespaces, and no root.
    pub async fn start_on_a_small_disk(
        home: &Home,
        bytes: usize,
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new("unshare");
        let mount = r#"mount -t tmpfs -o "size=$1" tmpfs "$DATA_DIR" && exec "$0""#;
        command.args(["-Urm", "sh", "-c", mount]).arg(binary()).arg(bytes.to_string());
        let service = Self::listening(home, Process::run(command, home, settings)).await;
        service.wait_until_ready().await;
        service.admin().await;
        service
    }

    async fn listening(home: &Home, mut process: Process) -> Self {
        let address = eventually("the service listens", SOON, || {
            let found = process.address();
            if found.is_none() {
                process.assert_alive();
            }
            std::future::ready(found)
        })
        .await;
        let folder = home.folder().to_owned();
        Self { process, address, folder, http: http_client(0), admin: OnceCell::new() }
    }

    /// Starts a service that is expected to refuse, and waits for its end.
    pub async fn refuses_to_start(home: &Home, settings: &[(&str, &str)]) -> Ended {
        Process::spawn(home, &[], settings).wait(SOON).await
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of one of its routes.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until the service says that it is ready.
    pub async fn wait_until_ready(&self) {
        eventually("/readyz answers 200", SOON, || async {
            (self.get("/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.process.log().clone()
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Ends the service as a crash would.
    pub async fn crash(self) {
        self.signal("KILL");
        self.wait(Duration::from_secs(10)).await;
    }

    /// Limits how large a file the service may write, in bytes; `None` lifts
    /// the limit. A write beyond it fails as one on a full disk does.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limited = Command::new("prlimit")
            .arg(format!("--pid={}", self.process.child.id()))
            .arg(format!("--fsize={limit}:unlimited"))
            .status();
        assert!(limited.expect("prlimit, of util-linux").success());
    }

    /// Waits for the end of a service that was told to end.
    pub async fn wait(mut self, limit: Duration) -> Ended {
        self.process.wait(limit).await
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(self) -> Ended {
        self.signal("TERM");
        self.wait(Duration::from_secs(30)).await
    }

    /// Bytes that the service has read so far, from files and connections.
    pub fn bytes_read(&self) -> u64 {
        let io = fs::read_to_string(format!("/proc/{}/io", self.process.child.id()))
            .expect("the service runs, on Linux");
        let mut lines = io.lines();
        let line = lines.find_map(|line| line.strip_prefix("rchar: "));
        line.expect("rchar").parse().expect("a number of bytes")
    }

    /// The most memory that the service has held at once so far, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory_as("VmHWM:")
    }

    /// By how much the peak is above what was held before. The kernel adds up what
    /// its processors count apart, so that a peak may read lower than one before it.
    pub fn grown_since(&self, before: u64) -> u64 {
        self.peak_memory().saturating_sub(before)
    }

    /// The memory that the service holds now, in bytes.
    pub fn memory(&self) -> u64 {
        self.memory_as("VmRSS:")
    }

    fn memory_as(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.child.id()))
            .expect("the service runs, on Linux");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .expect("a field of the status");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        kibibytes * 1024
    }
}

/// A client that keeps up to as many idle connections.
pub fn http_client(idle_connections: usize) -> reqwest::Client {
    reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .pool_max_idle_per_host(idle_connections)
        .timeout(Duration::from_secs(60))
        .build()
        .expect("an HTTP client")
}

struct Process {
    child: Child,
    watchdog: Option<Watchdog>,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Nothing of the test's own environment reaches the service, and no
    /// `.env` of the folder that the tests run in.
    fn spawn(home: &Home, flags: &[&str], settings: &[(&str, &str)]) -> Self {
        // A write beyond a limit of its size fails, and does not end the process.
        let mut command = Command::new("sh");
        command.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]).arg(binary()).args(flags);
        Self::run(command, home, settings)
    }

    fn run(mut command: Command, home: &Home, settings: &[(&str, &str)]) -> Self {
        home.settle(&mut command);
        command
            .env("PORT", "0")
            .env("LOG_FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the service's binary");
        let watchdog = Some(Watchdog::over(&child, home.folder()));

        let log = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            collect(child.stdout.take().expect("a pipe"), log.clone()),
            collect(child.stderr.take().expect("a pipe"), log.clone()),
        ];
        Self { child, watchdog, log, readers }
    }

    /// The address in the line that says `listening`.
    fn address(&self) -> Option<SocketAddr> {
        self.log().lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let fields = line.get("fields").unwrap_or(&line);
            if fields.get("message")?.as_str()? != "listening" {
                return None;
            }
            fields.get("address")?.as_str()?.parse().ok()
        })
    }

    fn assert_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("the service ended with {status} before it listened");
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .expect("kill");
        assert!(sent.success(), "the service is not there to be signalled");
    }

    async fn wait(&mut self, limit: Duration) -> Ended {
        let status: ExitStatus = eventually("the service ends", limit, || {
            std::future::ready(self.child.try_wait().expect("a child"))
        })
        .await;
        self.watchdog = None;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Ended { code: status.code(), log: self.log().clone() }
    }

    fn log(&self) -> MutexGuard<'_, String> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.watchdog = None;
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        if std::thread::panicking() {
            eprintln!("--- what the service wrote ---\n{}---", self.log());
        }
    }
}

fn collect(output: impl Read + Send + 'static, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            log.push_str(&String::from_utf8_lossy(&line));
            log.push('\n');
        }
    })
}
