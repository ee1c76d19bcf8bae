//! `trailkeep example-processor` as a process: started, watched, signalled.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::watchdog::Watchdog;

const LOG: &str = "requests.ndjson";

/// One under way. Dropping it kills it.
pub struct ExampleProcessor {
    child: Child,
    watchdog: Option<Watchdog>,
    home: Home,
    arguments: Vec<String>,
    url: String,
    said: Arc<Mutex<String>>,
}

impl ExampleProcessor {
    /// Starts one on a free port, and waits until it listens.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_at(0, arguments).await
    }

    /// Starts one on this port, and waits until it listens.
    pub async fn start_at(port: u16, arguments: &[&str]) -> Self {
        let home = Home::embedded();
        let arguments: Vec<String> =
            arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (child, watchdog, said) = spawn(&home, port, &arguments);
        let watchdog = Some(watchdog);
        let mut processor = Self { child, watchdog, home, arguments, url: String::new(), said };
        processor.wait_until_it_listens().await;
        processor
    }

    /// Ends it as a crash would. What it wrote down stays.
    pub async fn crash(&mut self) {
        self.signal("KILL");
        self.end().await;
    }

    /// Starts one that has ended once more, at the same address and with the same file.
    /// It remembers no event.
    pub async fn restart(&mut self) {
        let (_, port) = self.url.rsplit_once(':').expect("a URL with a port");
        let port = port.parse().expect("a port");
        let (child, watchdog, said) = spawn(&self.home, port, &self.arguments);
        (self.child, self.watchdog, self.said) = (child, Some(watchdog), said);
        self.wait_until_it_listens().await;
    }

    async fn wait_until_it_listens(&mut self) {
        let found = || std::future::ready(self.said_url());
        let url = eventually("the example processor says where it is", SOON, found).await;
        self.url = url;
    }

    fn said_url(&self) -> Option<String> {
        let said = self.said();
        let (_, rest) = said.split_once("example processor at ")?;
        Some(rest.split_once("/events;")?.0.to_owned())
    }

    /// Where it listens, without a path.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has printed.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The whole lines of its file so far.
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.home.folder().join(LOG)).expect("the log");
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let read = |line| serde_json::from_str(line).expect("a line of JSON");
        whole.lines().map(read).collect()
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(sent.expect("kill").success(), "it is not there to be signalled");
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// Waits for its end, and answers its exit code; `None` when a signal ended it.
    pub async fn end(&mut self) -> Option<i32> {
        let ended = || std::future::ready(self.child.try_wait().expect("a child"));
        let status = eventually("the example processor ends", SOON, ended).await;
        self.watchdog = None;
        status.code()
    }
}

fn spawn(home: &Home, port: u16, arguments: &[String]) -> (Child, Watchdog, Arc<Mutex<String>>) {
    let mut command = home.shell("example-processor");
    command
        .args(["--port", &port.to_string(), "--log", LOG])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary");
    let watchdog = Watchdog::over(&child, home.folder());
    let said = Arc::new(Mutex::new(String::new()));
    let (out, lines) = (child.stdout.take().expect("a pipe"), Arc::clone(&said));
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let mut said = lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            said.push_str(&line);
            said.push('\n');
        }
    });
    (child, watchdog, said)
}

impl Drop for ExampleProcessor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.watchdog = None;
        let _ = self.child.wait();
    }
}
