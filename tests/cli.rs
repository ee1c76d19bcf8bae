//! The command line, seen from outside: the built binary in an empty folder
//! with an empty environment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder to run the binary in; gone when it is dropped.
struct Bench {
    folder: TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_trailkeep"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().copied())
            .output()
            .unwrap()
    }

    /// What it prints when all is well.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        assert_eq!(complaint, "");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it complains of when it refuses the settings or the arguments.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    let mut lines = text.lines();
    lines
        .find(|line| line.starts_with(start))
        .unwrap_or_else(|| panic!("no line starts with {start:?} in\n{text}"))
}

#[test]
fn config_prints_every_layer_s_share() {
    let bench = Bench::new()
        .file(".env", "WRITE_IN_FLIGHT=3\nWRITE_MAX_WAIT_MS=9\n")
        .file("my.toml", "[write]\ntimeout_ms = 2000\nin_flight = 2\n")
        .variable("WRITE_MAX_WAIT_MS", "250");
    let text = bench.prints(&["config", "--config", "my.toml", "--port", "0"]);
    assert_eq!(line(&text, "port"), "port = 0 # flag --port");
    assert_eq!(line(&text, "max_wait_ms"), "max_wait_ms = 250 # environment WRITE_MAX_WAIT_MS");
    assert_eq!(line(&text, "in_flight"), "in_flight = 3 # .env WRITE_IN_FLIGHT");
    assert_eq!(line(&text, "timeout_ms"), "timeout_ms = 2000 # file my.toml");
    assert_eq!(line(&text, "host"), "host = \"127.0.0.1\" # default");
}

#[test]
fn what_config_prints_can_be_given_back_as_a_file() {
    let values = |text: &str| -> toml::Table { toml::from_str(text).unwrap() };
    let first = Bench::new().prints(&["config", "--set", "events.types=a,b", "--host", "::1"]);
    let second =
        Bench::new().file("same.toml", &first).prints(&["config", "--config", "same.toml"]);
    assert_eq!(values(&first), values(&second));
}

#[test]
fn config_ends_with_the_memory_that_these_settings_allow() {
    let bound = |arguments: &[&str]| {
        let text = Bench::new().prints(&[&["config"], arguments].concat());
        let (_, bound) = text.split_once("\n# Memory is at most ").expect("a bound");
        assert!(bound.lines().skip(1).all(|line| line.starts_with("# ")), "{text}");
        let (mebibytes, _) = bound.split_once(" MiB").expect("a bound in MiB");
        mebibytes.parse::<usize>().expect("a number")
    };
    let usual = bound(&[]);
    let half = bound(&["--set", "http.max_connections=5000"]);
    assert!(half < usual, "{half} MiB of {usual}");
}

#[test]
fn config_masks_the_password() {
    let bench = Bench::new().variable("MONGODB_URI", "mongodb://ann:hunter2@a:1,b:2/shop");
    let text = bench.prints(&["config"]);
    assert_eq!(
        line(&text, "mongodb_uri"),
        "mongodb_uri = \"mongodb://ann:***@a:1,b:2/shop\" # environment MONGODB_URI"
    );
    assert!(!text.contains("hunter2"));
}

#[test]
fn config_prints_processors_of_any_name_without_their_secrets() {
    let file = "[processors.billing]\nurl = \"https://b.example?key=hunter2\"\n\
                headers = [\"Authorization: hunter2\"]\n\
                secrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n";
    let bench =
        Bench::new().file("my.toml", file).variable("PROCESSOR_URL", "http://localhost:3001");
    let text = bench.prints(&["config", "--config", "my.toml", "--set", "processors.c.url="]);
    let section = |name: &str| {
        let (_, rest) = text.split_once(&format!("\n[processors.{name}]\n")).expect("a section");
        rest.split("\n\n").next().expect("its settings").to_owned()
    };
    assert_eq!(
        line(&section("default"), "url"),
        "url = \"http://localhost:3001\" # environment PROCESSOR_URL"
    );
    let billing = section("billing");
    assert_eq!(line(&billing, "url"), "url = \"https://b.example?***\" # file my.toml");
    assert_eq!(line(&billing, "headers"), "headers = [\"Authorization: ***\"] # file my.toml");
    assert_eq!(line(&billing, "secrets"), "secrets = [\"whsec_***\"] # file my.toml");
    assert_eq!(line(&billing, "timeout_ms"), "timeout_ms = 30000 # default");
    assert_eq!(line(&section("c"), "url"), "url = \"\" # flag --set");
    assert!(!text.contains("hunter2") && !text.contains("MfKQ9r8"), "{text}");
}

#[test]
fn flags_count_before_and_after_the_subcommand() {
    let text = Bench::new().prints(&[
        "--set",
        "write.in_flight=2",
        "--host",
        "::1",
        "config",
        "--set",
        "write.max_events=7",
    ]);
    assert_eq!(line(&text, "in_flight"), "in_flight = 2 # flag --set");
    assert_eq!(line(&text, "host"), "host = \"::1\" # flag --host");
    assert!(text.contains("max_events = 7 # flag --set"), "{text}");
}

#[test]
fn the_defaults_are_printed_as_they_are_documented() {
    let bench = Bench::new().variable("PORT", "wrong");
    assert_eq!(bench.prints(&["config", "--defaults"]), include_str!("../config/default.toml"));
}

#[test]
fn the_example_of_dot_env_is_printed_as_it_is_kept() {
    let bench = Bench::new().variable("PORT", "wrong");
    let printed = bench.prints(&["config", "--env-example"]);
    assert_eq!(printed, include_str!("../.env.example"));
}

#[test]
fn wrong_settings_stop_every_command_and_are_all_named() {
    let bench = Bench::new()
        .file(".env", "LOG_FORMAT=xml\n")
        .variable("WRITE_MAX_EVENTS", "many")
        .variable("MONGODB_URI", "mongo://ann:hunter2@db");
    for arguments in [&[][..], &["serve"], &["config"]] {
        let complaint = bench.refuses(arguments);
        assert_eq!(
            complaint,
            "trailkeep: cannot start with these settings:\n\
             \x20 write.max_events = \"many\" (environment WRITE_MAX_EVENTS): \
             must be a whole number from 1 to 10000\n\
             \x20 store.mongodb_uri = \"mongo://ann:***@db\" (environment MONGODB_URI): \
             must start with mongodb:// or mongodb+srv://\n\
             \x20 log.format = \"xml\" (.env LOG_FORMAT): must be \"text\" or \"json\"\n"
        );
    }
}

/// Passed over, they would leave the service with other limits than its owner
/// believes.
#[test]
fn settings_that_have_gone_stop_the_start_and_are_told_what_takes_their_place() {
    let bench = Bench::new()
        .file(".env", "SPILL_MAX_BYTES=1000000\n")
        .file("my.toml", "journal = \"off\"\n[flush]\nlanes = 2\n")
        .variable("BUFFER_MAX_EVENTS", "9000");
    let complaint = bench.refuses(&["--config", "my.toml"]);
    for words in [
        "journal.sync = \"never\"",
        "write.in_flight",
        "backlog.max_events",
        "raise backlog.max_events and backlog.max_bytes",
    ] {
        assert!(complaint.contains(words), "{words} is not in\n{complaint}");
    }
}

#[test]
fn a_missing_file_stops_the_start() {
    let complaint = Bench::new().refuses(&["--config", "missing.toml"]);
    assert!(complaint.contains("missing.toml: cannot be read: "), "{complaint}");
}

#[test]
fn dot_env_is_not_looked_for_in_folders_above() {
    let bench = Bench::new().file(".env", "PORT=1\n");
    let below = bench.folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_trailkeep"))
        .arg("config")
        .current_dir(below)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(line(&text, "port"), "port = 3000 # default");
}

#[test]
fn help_names_what_people_look_for() {
    let bench = Bench::new();
    let text = bench.prints(&["--help"]);
    for word in [
        "serve",
        "config",
        "seed",
        "example-processor",
        "--config <PATH>",
        "--host",
        "--port",
        "--mongodb-uri",
        "--data-dir",
        "--set <PATH=VALUE>",
        "HOST",
        "PORT",
        "MONGODB_URI",
        "DATA_DIR",
        "PROCESSOR_URL",
        "config --defaults",
        "Examples:",
    ] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 90), "{text}");
}

#[test]
fn version_is_that_of_the_crate_with_its_commit() {
    let said = Bench::new().prints(&["--version"]);
    let expected = format!("trailkeep {}\n", trailkeep::monitoring::version::FULL);
    assert_eq!(said, expected);
    let start = concat!("trailkeep ", env!("CARGO_PKG_VERSION"), " (");
    let commit = said.strip_prefix(start).and_then(|rest| rest.strip_suffix(")\n")).unwrap();
    let is_hash = commit.len() >= 12 && commit.chars().all(|c| c.is_ascii_hexdigit());
    assert!(is_hash || commit == "unknown", "{commit}");
}

#[test]
fn a_wrong_command_line_is_refused_too() {
    let bench = Bench::new();
    assert!(bench.refuses(&["srve"]).contains("serve"));
    let complaint = bench.refuses(&["--set", "write.in_flight"]);
    assert!(complaint.contains("must be PATH=VALUE"), "{complaint}");
}

#[test]
fn arguments_of_seed_that_cannot_be_carried_out_are_refused() {
    let bench = Bench::new();
    for (arguments, complaint) in [
        (&["0"][..], "invalid value '0' for '[N]'"),
        (&["many"], "invalid value 'many' for '[N]'"),
        (&["--users", "5"], "5 users are too few for 400 accounts"),
        (&["--accounts", "0"], "--accounts"),
        (&["--days", "0"], "--days"),
        (&["--batch", "0"], "--batch"),
        (&["--in-flight", "65"], "--in-flight"),
        (&["--until", "yesterday"], "must be a time such as 2025-12-15T10:30:00Z"),
        (&["--until", "2999-01-01T00:00:00Z"], "is in the future"),
        (&["--until", "1970-01-02T00:00:00Z"], "before 1970"),
        (&["--whale-share", "1.5"], "must be from 0 to 1"),
        (&["--whale-share", "much"], "--whale-share"),
        (&["--whale", ""], "1 to 256 bytes"),
        (&["--via-http", "localhost:3000"], "such as http://localhost:3000"),
        (&["--via-http", "https://a"], "in plain HTTP"),
        (&["--via-http", "http://a", "--write-key", "a\nb"], "write key"),
        (&["--write-key", "wk-9f8e7d6c5b4a3210"], "--via-http"),
        (&["--set", "events.types=page_view"], "events.types lacks search, video_play"),
    ] {
        let refusal = bench.refuses(&[&["seed"], arguments].concat());
        assert!(refusal.contains(complaint), "{arguments:?}: {refusal}");
    }
    assert_eq!(fs::read_dir(bench.folder.path()).unwrap().count(), 0);
}

#[test]
fn arguments_of_the_example_processor_that_mean_nothing_are_refused() {
    let bench = Bench::new();
    for (arguments, complaint) in [
        (&["--port", "65536"][..], "--port"),
        (&["--delay-ms", "5s"], "must be milliseconds, such as 250 or 5000..6000"),
        (&["--delay-ms", "6..5"], "must not end before it begins"),
        (&["--fail", "0.01"], "must be a share such as 1%"),
        (&["--fail", "101%"], "from 0% to 100%"),
        (&["--secret", "hush"], "must begin with whsec_"),
        (&["--secret", "whsec_aHVzaA=="], "must be 24 to 64 bytes as base64; it is 4 bytes"),
    ] {
        let refusal = bench.refuses(&[&["example-processor"], arguments].concat());
        assert!(refusal.contains(complaint), "{arguments:?}: {refusal}");
    }
    let complaint = |arguments: &[&str]| {
        let output = bench.run(&[&["example-processor"], arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = complaint(&["--port", "0", "--log", "missing/requests.ndjson"]);
    assert!(missing.contains("cannot write the log \"missing/requests.ndjson\""), "{missing}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let in_use = complaint(&["--port", &port]);
    assert!(in_use.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{in_use}");
}

#[test]
fn a_service_to_seed_through_must_be_there() {
    let output = Bench::new().run(&["seed", "10", "--via-http", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("cannot reach http://127.0.0.1:1/events"), "{complaint}");
}
