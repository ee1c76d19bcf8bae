//! `trailkeep example-processor` as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};
use trailkeep_testkit::watchdog::Watchdog;

use super::POISON;
use crate::fault::Fault;

/// Milliseconds that an event takes.
const DELAY_MS: &str = "1..5";
/// Where it is slow; some of it is more than a request may take.
const SLOW_MS: &str = "100..1500";
/// The share of attempts that fail, where they do.
const FAILS: &str = "20%";

const LOG: &str = "processor.ndjson";
const OUTPUT: &str = "processor.log";
const LISTENING_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// An example, running or not, always at the same address and with the same log.
pub struct Example {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    fails: bool,
    refuses: bool,
    running: Option<Running>,
}

/// Dropping it kills it.
struct Running {
    child: Child,
    _watchdog: Watchdog,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Example {
    /// One that behaves as a fault asks for, not started yet.
    pub fn of(fault: Fault, binary: &Path, folder: &Path) -> Result<Self, Trouble> {
        Ok(Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            port: free_port()?,
            fails: fault == Fault::ProcessorFails,
            refuses: fault.has_poison(),
            running: None,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where events are posted to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it writes down what it was sent.
    pub fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// Starts it, and waits until it listens.
    pub async fn start(&mut self) -> Result<(), Trouble> {
        self.start_with(DELAY_MS).await
    }

    /// The same, and it is slow.
    pub async fn start_slow(&mut self) -> Result<(), Trouble> {
        self.start_with(SLOW_MS).await
    }

    async fn start_with(&mut self, delay: &str) -> Result<(), Trouble> {
        let doing = "starting the example processor";
        let output = File::options().create(true).append(true).open(self.folder.join(OUTPUT));
        let mut command = Command::new(&self.binary);
        command
            .args(["example-processor", "--quiet", "--port", &self.port.to_string()])
            .args(["--delay-ms", delay, "--log"])
            .arg(self.log())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output.during(doing)?);
        if self.fails {
            command.args(["--fail", FAILS]);
        }
        if self.refuses {
            command.args(["--poison-type", POISON]);
        }
        let child = command.spawn().during(doing)?;
        let watchdog = Watchdog::over(&child, &self.folder);
        let running = self.running.insert(Running { child, _watchdog: watchdog });
        let deadline = Instant::now() + LISTENING_LIMIT;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if let Some(status) = running.child.try_wait().during(doing)? {
                return Err(Trouble(format!("the example processor ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(Trouble("the example processor does not listen".to_owned()));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Has it stand still.
    pub fn pause(&self) -> Result<(), Trouble> {
        self.signal("-STOP")
    }

    /// Has it go on.
    pub fn resume(&self) -> Result<(), Trouble> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), Trouble> {
        let running = self.running.as_ref();
        let running = running.ok_or_else(|| Trouble("no example processor runs".to_owned()))?;
        let status = Command::new("kill").args([signal, &running.child.id().to_string()]).status();
        match status.during("kill")?.success() {
            true => Ok(()),
            false => Err(Trouble("the example processor cannot be signalled".to_owned())),
        }
    }
}
