//! A real MongoDB for the tests: the one in TEST_MONGODB_URI, else one that
//! this process starts from the program that MONGOD names (`mongod` if it
//! names none), in a folder of its own, and that ends with this process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

/// The MongoDB that the tests share, each in a database of its own.
pub async fn mongodb_uri() -> String {
    static SHARED: OnceCell<Mongod> = OnceCell::const_new();
    match std::env::var("TEST_MONGODB_URI") {
        Ok(uri) if !uri.is_empty() => uri,
        _ => SHARED.get_or_init(|| Mongod::start(&[])).await.uri(),
    }
}

/// A server that ends when this is dropped, and at the latest with the process.
pub struct Mongod {
    port: u16,
    /// A shell that waits for the end of its input and then ends the server
    /// and removes its folder: nothing is left behind when the tests die.
    keeper: Child,
    folder: PathBuf,
}

const KEEPER: &str = r#"folder=$1; shift; "$@" >/dev/null 2>&1 & server=$!
cat >/dev/null; kill -9 $server; wait $server 2>/dev/null; rm -rf "$folder""#;

/// How long a server may take to listen, on a machine that is busy.
const START_LIMIT: Duration = Duration::from_secs(60);

impl Mongod {
    /// Starts a server with these further arguments.
    pub async fn start(arguments: &[&str]) -> Self {
        let program = std::env::var("MONGOD").unwrap_or_else(|_| "mongod".to_owned());
        let found = Command::new(&program).arg("--version").output();
        assert!(
            found.is_ok_and(|said| said.status.success()),
            "{program:?} cannot be run: set TEST_MONGODB_URI, or MONGOD to the path of a mongod"
        );
        for _ in 0..5 {
            if let Some(server) = Self::try_start(&program, arguments).await {
                return server;
            }
        }
        panic!("no free port for a MongoDB was found");
    }

    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/", self.port)
    }

    /// `None` if the port was taken in between.
    async fn try_start(program: &str, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap().keep();
        let log = folder.join("log");
        let port = free_port();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(&folder)
            .arg(program)
            .args(["--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "0.25"])
            .args(["--port", &port.to_string()])
            .arg("--dbpath")
            .arg(&folder)
            .arg("--logpath")
            .arg(&log)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let server = Self {
            port,
            keeper,
            folder,
        };
        server.listens(&log).await.then_some(server)
    }

    async fn listens(&self, log: &Path) -> bool {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            if said.contains("Waiting for connections") {
                return true;
            }
            if said.contains("Failed to set up listener") {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "the MongoDB in {} did not start listening: {}",
            self.folder.display(),
            std::fs::read_to_string(log).unwrap_or_default()
        );
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
