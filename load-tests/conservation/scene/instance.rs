//! One instance of the service: its data folder, its address, and its process, if it runs.

use std::path::{Path, PathBuf};

use trailkeep_testkit::launch::{Launch, Service};
use trailkeep_testkit::port::free_port;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::fault::Fault;
use crate::settings::settings;

/// An instance, running or not.
pub struct Instance {
    launch: Launch,
    port: u16,
    service: Option<Service>,
}

impl Instance {
    /// One that is not started yet, with a free port.
    pub fn new(fault: Fault, binary: &Path, folder: PathBuf) -> Result<Self, Trouble> {
        std::fs::create_dir_all(&folder).during("a data folder")?;
        let port = free_port()?;
        let settings = settings(fault, port);
        let launch = Launch { binary: binary.to_owned(), folder, settings };
        Ok(Self { launch, port, service: None })
    }

    /// Gives it more settings.
    pub fn set(&mut self, settings: impl IntoIterator<Item = (String, String)>) {
        self.launch.settings.extend(settings);
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Of itself, past all proxies.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.launch.folder
    }

    /// The last lines that it wrote.
    pub fn log_tail(&self) -> String {
        self.launch.log_tail()
    }

    /// Whether it runs, ready or not.
    pub fn is_running(&self) -> bool {
        self.service.is_some()
    }

    /// The process.
    pub fn service(&self) -> Result<&Service, Trouble> {
        self.service.as_ref().ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// The process, taken out to be ended.
    pub fn take_service(&mut self) -> Result<Service, Trouble> {
        self.service.take().ok_or_else(|| Trouble("the service does not run".to_owned()))
    }

    /// Kills the process, if it runs.
    pub fn end(&mut self) {
        self.service = None;
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(&mut self, http: &reqwest::Client) -> Result<(), Trouble> {
        self.launch(None)?;
        self.wait_until_ready(http).await
    }

    /// Waits until it is ready, if it runs.
    pub async fn wait_until_ready(&mut self, http: &reqwest::Client) -> Result<(), Trouble> {
        let url = self.url();
        match &mut self.service {
            Some(service) => service.wait_until_ready(http, &url).await,
            None => Ok(()),
        }
    }

    /// Starts it, and lets it run before it is ready; with no file larger than so many
    /// bytes.
    pub fn launch(&mut self, file_bytes: Option<u64>) -> Result<(), Trouble> {
        self.service = Some(self.launch.start(file_bytes)?);
        Ok(())
    }

    /// Gives it a new disk: what it had lies in this folder now, and nobody reads it.
    pub fn lose_disk(&self, to: &Path) -> Result<(), Trouble> {
        let folder = self.folder();
        std::fs::rename(folder, to).during("taking a disk away")?;
        std::fs::create_dir(folder).during("a data folder")
    }
}
