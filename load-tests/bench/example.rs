//! `trailkeep example-processor` as a process.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::instance::Starter;

/// One that runs. Dropping it ends it.
pub struct Example {
    child: Child,
    url: String,
}

impl Example {
    /// Starts one that takes so long for an event, such as `5000..6000` milliseconds,
    /// and has a line in its log, if it has one, for each request and each answer.
    pub async fn start(
        starter: &Starter,
        delay_ms: &str,
        log: Option<&Path>,
    ) -> Result<Self, Trouble> {
        let port = free_port()?;
        let mut command = Command::new(&starter.binary);
        command.args(["example-processor", "--quiet", "--delay-ms", delay_ms]);
        command.args(["--port", &port.to_string()]);
        if let Some(log) = log {
            command.arg("--log").arg(log);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().during("starting the example processor")?;
        let example = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..100 {
            let health = starter.http.get(format!("{}/health", example.url)).send().await;
            if health.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(example);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(Trouble("the example processor does not answer".to_owned()))
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
