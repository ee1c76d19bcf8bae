//! A program that is measured, with all that it starts.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::{Trouble, While as _};
use trailkeep_testkit::watchdog::Watchdog;

/// How long a start may take: RabbitMQ's takes ten seconds on two cores.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// A group of processes. Dropping it kills all of them.
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    watchdog: Option<Watchdog>,
}

impl Process {
    /// Starts it with its log in a folder, which goes with it if this program is killed.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self, Trouble> {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).during("a log")?;
        let errors = file.try_clone().during("a log")?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .during(name)?;
        let watchdog = Some(Watchdog::over_group(&child, folder));
        Ok(Self { name: name.to_owned(), child, log, watchdog })
    }

    /// The group: its leader's number.
    pub fn group(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something is so, of which the program's log may tell.
    pub async fn wait_until<F: Future<Output = bool>>(
        &mut self,
        is_so: impl Fn(String) -> F,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if is_so(self.said()).await {
                return Ok(());
            }
            let ended = self.child.try_wait().during(&self.name)?;
            if ended.is_some() || Instant::now() > deadline {
                return Err(Trouble(format!("{} did not start:\n{}", self.name, self.said())));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends all of it as a crash would.
    pub async fn kill(mut self) -> Result<(), Trouble> {
        self.signal("KILL")?;
        self.wait().await
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<(), Trouble> {
        // To the leader alone: the others are its own affair.
        send("TERM", &self.group().to_string())?;
        self.wait().await
    }

    async fn wait(&mut self) -> Result<(), Trouble> {
        let deadline = Instant::now() + STOP_LIMIT;
        while self.child.try_wait().during(&self.name)?.is_none() {
            if Instant::now() > deadline {
                return Err(Trouble(format!("{} does not end:\n{}", self.name, self.said())));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    fn signal(&self, name: &str) -> Result<(), Trouble> {
        send(name, &format!("-{}", self.group()))
    }
}

fn send(signal: &str, whom: &str) -> Result<(), Trouble> {
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), "--", whom])
        .stderr(Stdio::null())
        .status();
    sent.during("kill").map(drop)
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever is left of the group goes as well.
        let _ = self.signal("KILL");
        let _ = self.child.wait();
        self.watchdog = None;
    }
}
