//! The tour of each document, pasted block by block into a shell while the real
//! binary runs: each command succeeds and answers what the document shows.
//!
//! A block of a tour has `<!-- tour -->` in front of it. The block after it,
//! unless it is a shell's, is what it prints. White space does not count in
//! the comparison, and `...` stands for anything. `<!-- tour: restart -->` is in
//! front of a command that starts the service again, with other settings on the
//! same data, and `<!-- tour: log -->` in front of what the log says of the stop
//! that ends the tour. Each document begins with a service that has no data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const START: &str = "<!-- tour -->";
const RESTART: &str = "<!-- tour: restart -->";
const LOG: &str = "<!-- tour: log -->";
const ADDRESS: &str = "localhost:3000";

#[test]
fn every_step_of_the_readme_does_what_it_says() {
    let tour = Tour::read("README.md", include_str!("../README.md"));
    assert!(!tour.links.is_empty(), "it links to no page of the service");
    assert!(tour.log.is_some(), "it shows no log of a stop");
    tour.take();
}

#[test]
fn every_step_of_the_page_for_trackers_does_what_it_says() {
    Tour::read("docs/TRACKING.md", include_str!("../docs/TRACKING.md")).take();
}

#[test]
fn every_step_of_the_page_for_operators_does_what_it_says() {
    Tour::read("docs/OPERATIONS.md", include_str!("../docs/OPERATIONS.md")).take();
}

#[test]
fn answers_are_compared_loosely_but_not_blindly() {
    assert!(resembles("{\"a\": [1,\n  2]}", "{\"a\":[1,2]}\n"));
    assert!(resembles("id ... end", "id 17 end"));
    assert!(resembles("...b...", "abc"));
    assert!(!resembles("{\"a\": 1}", "{\"a\": 2}"));
    assert!(!resembles("a ... c", "a b c d"));
    assert!(!resembles("a ... a", "a"));
    assert!(!resembles("b", "a b"));
}

struct Tour {
    document: &'static str,
    steps: Vec<Step>,
    links: Vec<String>,
    log: Option<String>,
}

enum Step {
    /// A block to paste, and what it prints.
    Paste { script: String, expected: Option<String> },
    /// The service is stopped and started with these settings.
    Restart { settings: Vec<(String, String)> },
}

impl Step {
    /// The settings in front of `cargo run --release`.
    fn restart(command: &str) -> Self {
        let settings = command
            .strip_suffix("cargo run --release")
            .expect("a restart is a cargo run --release with settings in front");
        let setting = |word: &str| {
            let (name, value) = word.split_once('=').expect("a setting is NAME=VALUE");
            (name.to_owned(), value.to_owned())
        };
        Self::Restart { settings: settings.split_whitespace().map(setting).collect() }
    }
}

impl Tour {
    fn read(document: &'static str, text: &str) -> Self {
        let blocks = blocks(text);
        let mut steps = Vec::new();
        let mut log = None;
        for (index, block) in blocks.iter().enumerate() {
            match block.marker {
                Some(RESTART) => steps.push(Step::restart(&block.text)),
                Some(START) => steps.push(Step::Paste {
                    script: block.text.clone(),
                    expected: blocks
                        .get(index + 1)
                        .filter(|next| next.follows_a_block && next.language != "sh")
                        .map(|next| next.text.clone()),
                }),
                Some(LOG) => log = Some(block.text.clone()),
                _ => {}
            }
        }
        let is_step = |line: &&str| [START, RESTART].contains(line);
        let markers = text.lines().filter(is_step).count();
        assert_eq!(steps.len(), markers, "each marker stands before a block of {document}");
        assert!(!steps.is_empty(), "{document} has no tour");
        Self { document, steps, links: links(text), log }
    }

    fn take(&self) {
        assert_tools(&["bash", "curl", "gzip", "sed", "grep"]);
        let document = self.document;
        let folder = tempfile::tempdir().unwrap();
        let mut service = Service::start(folder.path(), &[]);
        for step in &self.steps {
            match step {
                Step::Paste { script, expected } => {
                    let printed = service.run(script);
                    let expected = expected.as_deref().unwrap_or("...");
                    assert!(
                        resembles(expected, &printed),
                        "{document} shows another answer.\n--- step\n{script}\n--- shown\n{expected}\n--- printed\n{printed}"
                    );
                }
                Step::Restart { settings } => {
                    let (status, log) = service.interrupt();
                    assert_eq!(status.code(), Some(0), "{log}");
                    service = Service::start(folder.path(), settings);
                }
            }
        }
        for link in &self.links {
            service.run(&format!("curl -fsS -o page '{link}' && test -s page"));
        }
        let (status, log) = service.interrupt();
        assert_eq!(status.code(), Some(0), "{log}");
        let shown = self.log.as_deref().unwrap_or_default();
        assert!(
            resembles(&format!("...{shown}..."), &log),
            "{document} shows another log.\n--- shown\n{shown}\n--- log\n{log}"
        );
    }
}

struct Block<'a> {
    language: &'a str,
    text: String,
    /// The comment right before the block.
    marker: Option<&'a str>,
    /// Whether nothing but empty lines lies between it and the block before.
    follows_a_block: bool,
}

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    const FENCE: &str = "```";
    let mut blocks = Vec::new();
    let mut before: Option<&str> = None;
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix(FENCE) {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != FENCE).collect();
            blocks.push(Block {
                language,
                text: text.join("\n"),
                marker: before.filter(|line| line.starts_with("<!--")),
                follows_a_block: before == Some(FENCE),
            });
            before = Some(FENCE);
        } else if !line.is_empty() {
            before = Some(line);
        }
    }
    blocks
}

/// The pages of the service that a document links to.
fn links(text: &str) -> Vec<String> {
    text.split('<')
        .filter_map(|rest| rest.split_once('>'))
        .map(|(link, _)| link)
        .filter(|link| link.starts_with("http://localhost:3000/"))
        .map(str::to_owned)
        .collect()
}

/// Whether what was printed is what a document shows, white space aside, with
/// anything in the place of `...`.
fn resembles(expected: &str, printed: &str) -> bool {
    let dense = |text: &str| -> String { text.split_whitespace().collect() };
    let expected = dense(expected);
    let printed = dense(printed);
    let mut pieces: Vec<&str> = expected.split("...").collect();
    let last = pieces.pop().unwrap_or_default();
    let Some((first, middle)) = pieces.split_first() else {
        return last == printed;
    };
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn assert_tools(names: &[&str]) {
    for name in names {
        let found = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(
            found.is_ok(),
            "the tour needs the program {name}; install it (apt-get install {name})"
        );
    }
}

/// The service as a newcomer starts it, but on a free port.
struct Service {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Service {
    fn start(folder: &Path, settings: &[(String, String)]) -> Self {
        let log = File::create(log_in(folder)).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_trailkeep"))
            .env_clear()
            .env("PORT", "0")
            .envs(settings.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let mut service = Self { process, port: 0, folder: folder.to_owned() };
        service.port = wait_for("the service to be ready", || service.port_when_ready());
        service
    }

    fn log(&self) -> String {
        fs::read_to_string(log_in(&self.folder)).unwrap()
    }

    fn port_when_ready(&mut self) -> Option<u16> {
        let log = self.log();
        let ended = self.process.try_wait().unwrap();
        assert!(ended.is_none(), "the service ended: {log}");
        let (_, address) = log.split_once("listening address=127.0.0.1:")?;
        let (port, _) = address.split_once(' ')?;
        // Said last, and behind it the set-up code is there.
        log.contains("no staff account yet").then(|| port.parse().expect("a port"))
    }

    /// Runs a block in a shell, in a folder and an environment that hold
    /// nothing of the developer's, and answers what it prints.
    fn run(&self, script: &str) -> String {
        let script = script.replace(ADDRESS, &format!("localhost:{}", self.port));
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{}:\n{script}\n{printed}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        printed
    }

    /// Presses Ctrl-C and waits for the end.
    fn interrupt(mut self) -> (ExitStatus, String) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(sent.success());
        let status = wait_for("the service to end", || self.process.try_wait().unwrap());
        (status, self.log())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
