//! wrk, which sends as fast as it is answered.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use trailkeep_testkit::trouble::{Trouble, While as _};

const CONNECTIONS: u32 = 50;
const THREADS: u32 = 1;

/// One that runs. Dropping it ends it.
pub struct Wrk(Child);

/// What it says at its end.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Summary {
    pub requests: u64,
    /// Answered otherwise than by 2xx or 3xx.
    pub refused: u64,
    /// Not answered.
    pub failed: u64,
}

impl Wrk {
    /// Has it send requests with so many events for a while.
    pub fn start(address: SocketAddr, batch: usize, lasting: Duration) -> Result<Self, Trouble> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/load-tests/versus/batches.lua");
        let child = Command::new("wrk")
            .args(["--connections", &CONNECTIONS.to_string()])
            .args(["--threads", &THREADS.to_string()])
            .args(["--duration", &format!("{}s", lasting.as_secs_f64().ceil())])
            .args(["--timeout", "20s", "--script", script])
            .arg(format!("http://{address}/events"))
            .args(["--", &batch.to_string(), "w"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .during("wrk")?;
        Ok(Self(child))
    }

    /// Waits for its end.
    pub fn end(mut self) -> Result<Summary, Trouble> {
        let mut text = String::new();
        if let Some(mut out) = self.0.stdout.take() {
            std::io::Read::read_to_string(&mut out, &mut text).during("what wrk says")?;
        }
        read(&text).ok_or_else(|| Trouble(format!("wrk said:\n{text}")))
    }
}

fn read(text: &str) -> Option<Summary> {
    let line = text.lines().find_map(|line| line.strip_prefix("summary "))?;
    serde_json::from_str(line).ok()
}

impl Drop for Wrk {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_summary_is_found_among_what_it_prints() {
        let text = "Running 1s test\n\nsummary {\"requests\":9,\"refused\":1,\"failed\":2}\n";
        let summary = read(text).unwrap();
        assert_eq!((summary.requests, summary.refused, summary.failed), (9, 1, 2));
        assert!(read("Running").is_none());
    }
}
