//! A peer that runs, on a database of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::broker::Broker;
use super::peer::Peer;
use super::process::Process;
use crate::processes::{Group, GroupCpu};

/// Where nginx writes what it was sent.
pub const BODIES: &str = "events.ndjson";

/// Where peers come from.
pub struct Sources {
    /// The service's binary.
    pub service: PathBuf,
    /// The folder with the others' programs, and their packages.
    pub peers: PathBuf,
}

/// One that takes events. Dropping it ends it.
pub struct Running {
    peer: Peer,
    port: u16,
    uri: String,
    collector: Vec<Process>,
    broker: Option<Broker>,
    folder: TempDir,
}

impl Running {
    /// Starts it, with what it needs beside the database, and waits until it takes events.
    pub async fn start(sources: &Sources, peer: Peer, uri: &str) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("trailkeep-versus-").tempdir();
        let folder = folder.during("a temporary folder")?;
        let broker = Broker::start(peer, folder.path()).await?;
        let port = free_port()?;
        let uri = uri.to_owned();
        let mut running = Self { peer, port, uri, collector: Vec::new(), broker, folder };
        running.begin(sources).await?;
        Ok(running)
    }

    /// Who it is.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// Where it takes events.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The address of something that it serves.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Where it keeps what is its own.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its own programs, and what it needs beside the database.
    pub fn groups(&self) -> (Vec<Group>, Vec<Group>) {
        let collector = self.collector.iter().map(|process| Group(process.group())).collect();
        let broker = self.broker.iter().map(|broker| Group(broker.group())).collect();
        (collector, broker)
    }

    /// Ends its own programs as a crash would, and starts them again.
    pub async fn crash(&mut self, sources: &Sources) -> Result<(), Trouble> {
        for process in self.collector.drain(..) {
            process.kill().await?;
        }
        self.begin(sources).await
    }

    /// Stops it; what it has left in memory it stores before.
    pub async fn stop(mut self) -> Result<TempDir, Trouble> {
        // The collector first: who stands behind it still has to take what it sends.
        for process in self.collector.drain(..).rev() {
            process.stop().await?;
        }
        drop(self.broker);
        Ok(self.folder)
    }

    async fn begin(&mut self, sources: &Sources) -> Result<(), Trouble> {
        match self.peer {
            Peer::Trailkeep => self.begin_trailkeep(sources).await,
            Peer::Nginx => self.begin_nginx(sources).await,
            _ => self.begin_scripts(sources).await,
        }
    }

    async fn begin_trailkeep(&mut self, sources: &Sources) -> Result<(), Trouble> {
        let mut command = Command::new(&sources.service);
        command
            .env_clear()
            .env("DATA_DIR", self.folder.path())
            .env("PORT", self.port.to_string())
            .env("MONGODB_URI", &self.uri);
        let mut process = Process::start("trailkeep", &mut command, self.folder.path())?;
        let url = self.url("/readyz");
        let is_ready =
            |_| async { reqwest::get(&url).await.is_ok_and(|answer| answer.status().is_success()) };
        process.wait_until(is_ready).await?;
        self.collector.push(process);
        Ok(())
    }

    async fn begin_nginx(&mut self, sources: &Sources) -> Result<(), Trouble> {
        let folder = self.folder.path();
        let text = std::fs::read_to_string(sources.peers.join("nginx.conf"));
        let text = text.during("nginx.conf")?;
        let text = text.replace("FOLDER", &folder.display().to_string());
        let text = text.replace("PORT", &self.port.to_string());
        let settings = folder.join("nginx.conf");
        std::fs::write(&settings, text).during("nginx.conf")?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(settings);
        let mut process = Process::start("nginx", &mut command, folder)?;
        let url = self.url("/health");
        let is_ready = |_| async { reqwest::get(&url).await.is_ok() };
        process.wait_until(is_ready).await?;
        self.collector.push(process);
        Ok(())
    }

    async fn begin_scripts(&mut self, sources: &Sources) -> Result<(), Trouble> {
        for script in self.peer.scripts() {
            let mut command = Command::new("node");
            command
                .arg(sources.peers.join(script))
                .env("NODE_ENV", "production")
                .env("PORT", self.port.to_string())
                .env("MONGODB_URI", &self.uri)
                .envs(self.broker.as_ref().map(Broker::address));
            let mut process = Process::start(script, &mut command, self.folder.path())?;
            process.wait_until(async |said: String| said.contains("ready")).await?;
            self.collector.push(process);
        }
        Ok(())
    }
}

/// What the parts of a peer have used up to a moment.
pub struct Used {
    pub collector: GroupCpu,
    pub broker: GroupCpu,
}

impl Used {
    /// Up to now.
    pub fn of(running: &Running) -> Self {
        let (collector, broker) = running.groups();
        Self { collector: GroupCpu::of(&collector), broker: GroupCpu::of(&broker) }
    }
}
