//! One `mongod` that a test can pause, kill and start again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::binary;
use crate::port::free_port;

/// Stands between the test process and `mongod`: it does what it is told line
/// by line, and when the line goes dead, because the test process ended in
/// whatever way, it kills `mongod` and removes its folder. A shell, because
/// only the parent of a process may signal it without a race.
const GUARDIAN: &str = r#"
trap '' INT TERM HUP
folder=$1; shift
pid=
while read -r order; do
    case $order in
        start) "$@" >"$folder/log" 2>&1 </dev/null & pid=$! ;;
        kill) kill -KILL "$pid"; wait "$pid"; pid= ;;
        pause) kill -STOP "$pid" ;;
        resume) kill -CONT "$pid" ;;
    esac
    echo "$pid"
done
[ -z "$pid" ] || { kill -KILL "$pid"; wait "$pid"; }
rm -rf "$folder"
"#;

/// How long a start may take on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server of a test's own. Dropping it kills it and removes its data.
pub struct Mongod {
    guardian: Mutex<Guardian>,
    folder: PathBuf,
    port: u16,
}

impl Mongod {
    /// Starts a standalone server and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server that has its port and its folder, but does not run yet:
    /// [`restart`](Self::restart) starts it.
    pub fn not_yet_started() -> Self {
        Self::prepare(&std::env::temp_dir(), port(), &[])
    }

    /// Starts a server with further arguments. A port that somebody else took
    /// in the meantime costs another try.
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), arguments)
    }

    /// As [`start_with`](Self::start_with), with its data under this folder.
    pub fn start_in(parent: &Path, arguments: &[&str]) -> Self {
        for _ in 0..5 {
            let server = Self::prepare(parent, port(), arguments);
            server.order("start");
            match server.wait_until_it_answers() {
                Ok(()) => return server,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("mongod did not start; its log:\n{log}"),
            }
        }
        panic!("mongod found no free port in five tries");
    }

    fn prepare(parent: &Path, port: u16, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("trailkeep-mongod-")
            .tempdir_in(parent)
            .expect("a temporary folder")
            .keep();
        let guardian = Guardian::spawn(&folder, port, arguments);
        Self { guardian: Mutex::new(guardian), folder, port }
    }

    /// The URI of a database on this server.
    pub fn uri(&self, database: &str) -> String {
        format!("mongodb://{}/{database}", self.address())
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server's process, while it runs.
    pub fn pid(&self) -> u32 {
        self.order("pid").parse().expect("a process id")
    }

    /// What the server has logged since it was last started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).expect("the server's log")
    }

    /// Stops the server where it stands (SIGSTOP): connections stay open and
    /// nothing is answered.
    pub fn pause(&self) {
        let pid = self.order("pause");
        let stat = format!("/proc/{pid}/stat");
        let stopped = || {
            let stat = fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|s| s.starts_with('T'))
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !stopped() {
            assert!(Instant::now() < deadline, "mongod could not be paused");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets a paused server go on (SIGCONT).
    pub fn resume(&self) {
        self.order("resume");
    }

    /// Ends the server at once (SIGKILL); its data stays.
    pub fn kill(&self) {
        self.order("kill");
    }

    /// Starts the server on its port and its data again, and waits until it
    /// answers.
    pub fn restart(&self) {
        self.order("start");
        if let Err(log) = self.wait_until_it_answers() {
            panic!("mongod did not start again; its log:\n{log}");
        }
    }

    /// Gives the guardian an order, and returns the server's process id once
    /// it is carried out.
    fn order(&self, order: &str) -> String {
        let mut guardian = self.guardian.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        guardian.carry_out(order)
    }

    /// The error is the log.
    fn wait_until_it_answers(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            if log.contains("Waiting for connections") {
                return Ok(());
            }
            let ended = log.contains("Shutting down with code") || log.contains("error while");
            if ended || Instant::now() > deadline {
                return Err(log);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

struct Guardian {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Guardian {
    fn spawn(folder: &Path, port: u16, arguments: &[&str]) -> Self {
        let data = folder.join("data");
        fs::create_dir(&data).expect("a folder for the data");
        // In a group of its own: when the parent of ours ends, the system hangs
        // up on every group that is left behind with a paused member, and a
        // mongod that hears SIGHUP shuts down.
        let mut shell = Command::new("sh")
            .process_group(0)
            .args(["-c", GUARDIAN, "mongod-guardian"])
            .arg(folder)
            .arg(binary::path())
            .arg("--dbpath")
            .arg(&data)
            .args(["--bind_ip", "127.0.0.1", "--port", &port.to_string()])
            .arg("--nounixsocket")
            .args(default_cache(arguments))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("a pipe"));
        Self { shell, orders, answers }
    }

    fn carry_out(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().expect("a guardian at work");
        writeln!(orders, "{order}").expect("the guardian listens");
        let mut pid = String::new();
        self.answers.read_line(&mut pid).expect("the guardian answers");
        pid.trim_end().to_owned()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.shell.wait();
    }
}

/// A small cache, unless the arguments say: mongod takes the option only once.
fn default_cache(arguments: &[&str]) -> &'static [&'static str] {
    const OPTION: &str = "--wiredTigerCacheSizeGB";
    if arguments.contains(&OPTION) {
        return &[];
    }
    &[OPTION, "0.25"]
}

fn port() -> u16 {
    free_port().unwrap_or_else(|trouble| panic!("{trouble}"))
}
