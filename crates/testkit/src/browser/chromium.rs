//! Chromium and its driver: whether they are here, and the one driver of these tests.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::eventually::{SOON, eventually};
use crate::port::free_port;
use crate::tools::{leave_out, on_path};
use crate::watchdog::Watchdog;

/// The two programs.
pub struct Programs {
    /// The browser.
    pub browser: PathBuf,
    driver: PathBuf,
}

/// The driver, which runs until the tests end, however they do.
pub struct Driver {
    _process: Child,
    _watchdog: Watchdog,
    folder: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

/// The programs; `None` where these tests are left out for want of them.
///
/// # Panics
///
/// Where they must not be left out.
pub fn programs() -> Option<&'static Programs> {
    static PROGRAMS: OnceLock<Option<Programs>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let browser =
            ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path);
        Some(Programs { browser: browser?, driver: on_path("chromedriver")? })
    });
    if programs.is_none() {
        leave_out(
            "the browser tests",
            "There is no chromium with its chromedriver on the PATH: apt-get install chromium \
             chromium-driver",
        );
    }
    programs.as_ref()
}

impl Driver {
    /// The one driver.
    pub async fn shared(programs: &Programs) -> &'static Self {
        static DRIVER: OnceCell<Driver> = OnceCell::const_new();
        DRIVER.get_or_init(|| Self::start(programs)).await
    }

    /// In a group of its own, with all browsers that it starts, and with all that they
    /// write in one folder: so that nothing is left of them.
    async fn start(programs: &Programs) -> Self {
        let folder = tempfile::Builder::new().prefix("trailkeep-chromium-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        let port = free_port().unwrap_or_else(|trouble| panic!("{trouble}"));
        let process = Command::new(&programs.driver)
            .arg(format!("--port={port}"))
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .env("TZ", "UTC")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        let _watchdog = Watchdog::over_group(&process, &folder);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        eventually("chromedriver listens", SOON, || async {
            TcpStream::connect(address).await.ok()
        })
        .await;
        Self { _process: process, _watchdog, folder, address }
    }

    /// A folder for one browser, empty.
    pub fn folder_for_one(&self) -> PathBuf {
        let folder = tempfile::Builder::new().prefix("browser-").tempdir_in(&self.folder);
        folder.expect("a folder").keep()
    }

    /// What a browser may download into.
    pub fn downloads(profile: &Path) -> PathBuf {
        profile.join("downloads")
    }
}
