//! A terminal that is closed sends SIGHUP too.

use std::fs;
use std::process::{Command, Stdio};

use crate::eventually::{SOON, eventually};
use crate::home::Home;

/// `script`, of util-linux, is a terminal for the service, and is killed as a window is
/// closed.
#[tokio::test]
async fn a_service_whose_terminal_is_closed_stops_in_order() {
    let home = Home::embedded();
    let socket = home.folder().join("control.sock");
    let binary = home.shell("serve").get_program().to_owned();
    let log = home.folder().join("typescript");
    let mut terminal = Command::new("script")
        .args(["--quiet", "--flush", "--command"])
        .arg(format!("exec {}", binary.display()))
        .arg(&log)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("a PATH"))
        .env("SHELL", "/bin/sh")
        .env("PORT", "0")
        .env("DATA_DIR", home.folder())
        .current_dir(home.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("script, of util-linux");
    eventually("the service listens", SOON, || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        std::future::ready((text.contains("listening") && socket.exists()).then_some(()))
    })
    .await;
    let lock = fs::read_to_string(home.folder().join("lock")).expect("a lock");
    let pid: u32 = lock.trim().parse().expect("the number of the process");

    // With its terminal there, it is what anybody else sends.
    let sent = Command::new("kill").args(["-HUP", &pid.to_string()]).status().expect("kill");
    assert!(sent.success());
    eventually("the settings are read again", SOON, || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        std::future::ready(text.contains("the settings were read again").then_some(()))
    })
    .await;

    terminal.kill().expect("the terminal is there");
    terminal.wait().expect("it is ours");
    eventually("the service is gone", SOON, || {
        let is_gone = !std::path::Path::new(&format!("/proc/{pid}")).exists();
        std::future::ready(is_gone.then_some(()))
    })
    .await;
    // One that is killed leaves both.
    assert!(!socket.exists(), "it has stopped, and was not killed");
    assert!(!home.folder().join("trailkeep.db-wal").exists(), "its database was closed");
}
