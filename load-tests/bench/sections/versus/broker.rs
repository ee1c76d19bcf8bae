//! What stands between a collector and who writes to MongoDB.

use std::path::Path;
use std::process::{Command, Stdio};

use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::peer::{Peer, RABBITMQ};
use super::process::Process;

/// One that runs, with its data in the peer's folder.
pub struct Broker {
    /// `None` while it is dropped.
    process: Option<Process>,
    variable: &'static str,
    url: String,
    /// Where Erlang's names are kept, by a program that outlives RabbitMQ.
    names: Option<u16>,
}

impl Broker {
    /// Starts the one that a peer needs, if it needs one.
    pub async fn start(peer: Peer, folder: &Path) -> Result<Option<Self>, Trouble> {
        match peer {
            Peer::Rabbitmq => rabbitmq(folder).await.map(Some),
            Peer::Bullmq => redis(folder).await.map(Some),
            Peer::Nats => nats(folder, "").await.map(Some),
            Peer::NatsAlways => nats(folder, "sync_interval: always").await.map(Some),
            _ => Ok(None),
        }
    }

    /// The variable that tells programs where it is, and its value.
    pub fn address(&self) -> (&'static str, &str) {
        (self.variable, &self.url)
    }

    /// All of its processes.
    pub fn group(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::group)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Names that somebody uses are not let go.
        self.process = None;
        if let Some(port) = self.names {
            let mut command = Command::new("epmd");
            command.args(["-port", &port.to_string(), "-kill"]);
            let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// As it is shipped, with its files where they can be removed.
async fn rabbitmq(folder: &Path) -> Result<Broker, Trouble> {
    let (port, distribution, names) = (free_port()?, free_port()?, free_port()?);
    let home = folder.join("rabbitmq");
    std::fs::create_dir(&home).during("a folder for RabbitMQ")?;
    std::fs::write(home.join("enabled_plugins"), "[].\n").during("RabbitMQ's plugins")?;
    let mut command = Command::new(RABBITMQ);
    command
        .env("HOME", &home)
        .env("RABBITMQ_NODENAME", format!("versus{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("ERL_EPMD_PORT", names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", home.join("none"))
        .env("RABBITMQ_MNESIA_BASE", home.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", home.join("log"))
        .env("RABBITMQ_PID_FILE", home.join("pid"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"));
    let mut process = Process::start("rabbitmq-server", &mut command, folder)?;
    let started = process.wait_until(async |said: String| said.contains("completed with")).await;
    let url = format!("amqp://guest:guest@127.0.0.1:{port}");
    let process = Some(process);
    let broker = Broker { process, variable: "AMQP_URL", url, names: Some(names) };
    started.map(|()| broker)
}

/// As Debian sets it up: snapshots now and then, and no log of what is written.
async fn redis(folder: &Path) -> Result<Broker, Trouble> {
    let port = free_port()?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    let mut process = Process::start("redis-server", &mut command, folder)?;
    process.wait_until(async |said: String| said.contains("Ready to accept")).await?;
    let url = format!("redis://127.0.0.1:{port}");
    Ok(Broker { process: Some(process), variable: "REDIS_URL", url, names: None })
}

/// With its log in the folder.
async fn nats(folder: &Path, syncing: &str) -> Result<Broker, Trouble> {
    let port = free_port()?;
    let store = folder.join("nats");
    let settings = folder.join("nats.conf");
    let text = format!("jetstream {{ store_dir: \"{}\"\n {syncing} }}\n", store.display());
    std::fs::write(&settings, text).during("the settings of NATS")?;
    let mut command = Command::new("nats-server");
    command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--config"]).arg(settings);
    let mut process = Process::start("nats-server", &mut command, folder)?;
    process.wait_until(async |said: String| said.contains("Server is ready")).await?;
    let url = format!("nats://127.0.0.1:{port}");
    Ok(Broker { process: Some(process), variable: "NATS_URL", url, names: None })
}
