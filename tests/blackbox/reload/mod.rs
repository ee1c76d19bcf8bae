//! Settings that are read again while the service runs: by SIGHUP, by `trailkeep reload`, and
//! by administrators.

mod in_force;
mod limits;
mod shell;
mod terminal;
mod under_load;

use std::fs;
use std::process::Output;
use std::time::Duration;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::raw::RawConnection;
use crate::service::Service;

/// The file that the services of these tests have, in the folder that they run in.
const FILE: &str = "trailkeep.toml";

/// What the log says of settings that were read again.
const READ_AGAIN: &str = "the settings were read again";

/// In one step, as who edits such a file should: a service that reads it has the old one or
/// the new one.
fn write(home: &Home, file: &str) {
    let aside = home.folder().join("trailkeep.toml.new");
    fs::write(&aside, file).expect("our folder");
    fs::rename(aside, home.folder().join(FILE)).expect("our folder");
}

/// Starts a service with a file of settings.
async fn start(home: &Home, file: &str) -> Service {
    start_with(home, file, &[]).await
}

/// The same with some settings in its environment.
async fn start_with(home: &Home, file: &str, settings: &[(&str, &str)]) -> Service {
    write(home, file);
    Service::start_with_flags(home, &["--config", FILE], settings).await
}

/// The lines of the log about settings that were read again.
fn told(service: &Service) -> Vec<String> {
    let log = service.log();
    log.lines().filter(|line| line.contains(READ_AGAIN)).map(str::to_owned).collect()
}

/// Gives the service another file and sends it SIGHUP; answers what the log says of it.
async fn hang_up(home: &Home, service: &Service, file: &str) -> String {
    let before = told(service).len();
    write(home, file);
    service.signal("HUP");
    eventually("the settings are read again", SOON, || {
        std::future::ready(told(service).into_iter().nth(before))
    })
    .await
}

/// What `trailkeep reload` came to.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// `trailkeep reload` with some flags, as a person types it in the service's folder.
fn reload_with(home: &Home, flags: &[&str]) -> Told {
    Told::of(&home.shell("reload").args(flags).output().expect("the binary"))
}

/// Gives the service another file and calls `trailkeep reload`, which has to go well; answers
/// what it prints.
#[track_caller]
fn reload(home: &Home, file: &str) -> String {
    write(home, file);
    let told = reload_with(home, &[]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    told.out
}

/// A connection that stays open.
struct Kept(RawConnection);

/// What was answered on it.
struct Reply {
    status: u16,
    text: String,
}

impl Reply {
    #[track_caller]
    fn expect(self, status: u16) -> String {
        assert_eq!(self.status, status, "answered: {}", self.text);
        self.text
    }
}

impl Kept {
    async fn open(service: &Service) -> Self {
        Self(RawConnection::open(service).await)
    }

    /// A request and its answer. The connection has to be as it was.
    async fn call(&mut self, request: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let head = head_of(request, headers, body.len());
        assert!(self.0.send(format!("{head}{body}").as_bytes()).await, "it is open");
        self.answer().await
    }

    async fn answer(&mut self) -> Reply {
        let text = self.0.answer(Duration::from_secs(20)).await.expect("an answer");
        assert!(!text.to_lowercase().contains("\r\nconnection: close"), "{text}");
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Reply { status: status.unwrap_or_else(|| panic!("no status in {text:?}")), text }
    }

    /// Posts an event of this type.
    async fn post(&mut self, kind: &str) -> Reply {
        self.post_with(kind, &[]).await
    }

    async fn post_with(&mut self, kind: &str, headers: &[(&str, &str)]) -> Reply {
        let body = format!(r#"{{"userId":"u","type":"{kind}"}}"#);
        self.call("POST /events", headers, &body).await
    }
}

fn head_of(request: &str, headers: &[(&str, &str)], length: usize) -> String {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    format!(
        "{request} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n"
    )
}
