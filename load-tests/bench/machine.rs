//! What a run was made on and with.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::cores::Cores;

/// The machine, the versions and the command.
pub fn describe(service: Option<&Path>, profile: &str, divided: Option<&Cores>) -> Value {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    json!({
        "date": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "cpu": cpu_model(),
        "cores": divided.map_or_else(cores_of_this_process, Cores::count),
        "memoryGib": memory_gib(),
        "loadBefore": first_words("/proc/loadavg", 3),
        "kernel": first_words("/proc/sys/kernel/osrelease", 1),
        "system": os_name(),
        "service": service.map_or_else(|| "no service".to_owned(), |service| said_by(service, &["--version"])),
        "commit": said_by(Path::new("git"), &["describe", "--always", "--dirty"]),
        "rustc": said_by(Path::new("rustc"), &["--version"]),
        "command": format!("cargo run --profile {profile} --example bench -- {}", arguments.join(" ")),
    })
}

fn cores_of_this_process() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

fn cpu_model() -> String {
    line_after("/proc/cpuinfo", "model name", ':')
}

fn os_name() -> String {
    line_after("/etc/os-release", "PRETTY_NAME", '=')
}

fn memory_gib() -> u64 {
    let total = line_after("/proc/meminfo", "MemTotal", ':');
    let kib = total.split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0).div_ceil(1024 * 1024)
}

fn line_after(file: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find(|line| line.starts_with(name))
        .and_then(|line| line.split_once(separator))
        .map_or_else(unknown, |(_, value)| value.trim().trim_matches('"').to_owned())
}

fn first_words(file: &str, words: usize) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().take(words).collect();
    words.join(" ")
}

fn said_by(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => unknown(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
