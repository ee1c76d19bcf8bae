//! A backup that its disk has no room for.

use std::process::Command;

use super::Shelf;
use crate::disk::may_mount;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Runs a command with a disk of its own at a folder, of so many KiB, and lists what is there
/// afterwards.
fn on_a_small_disk(mut command: Command, folder: &str, kibibytes: u32) -> (Option<i32>, String) {
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let script = r#"mount -t tmpfs -o "size=$1k" tmpfs "$2" && shift 2 && "$@" 2>&1; code=$?
        echo "left: $(ls -A "$BACKUPS")"; exit $code"#;
    let mut small = Command::new("unshare");
    small.args(["-Urm", "sh", "-c", script, "sh"]).arg(kibibytes.to_string()).arg(folder);
    small.arg(program).args(arguments);
    small.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    small.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("BACKUPS", folder);
    if let Some(folder) = command.get_current_dir() {
        small.current_dir(folder);
    }
    let output = small.output().expect("unshare");
    command.env_clear();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_left_on_it() {
    if !may_mount() {
        eprintln!("not tried: this system lets nobody have a small file system without root");
        return;
    }
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for batch in 0..5 {
        let events = sample::events("ann", &format!("b{batch}"), 0..1000);
        service.post_when_there_is_room(&events).await;
    }
    service.wait_until_flushed().await;
    let shelf = Shelf::new();
    let folder = shelf.folder.path().to_str().expect("text");
    // 64 KiB are too few in the middle of the copy.
    let mut command = home.shell("backup");
    command.arg(shelf.backup());
    let (code, told) = on_a_small_disk(command, folder, 64);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("there is no room for"), "{told}");
    assert!(told.ends_with("left: \n"), "{told}");
    service.post(&sample::event("ann", "after")).await.expect(202);

    // Where the restored database has no room, the old one stays.
    super::back_up(&home, &shelf).await;
    let elsewhere = Home::embedded();
    let mut command = elsewhere.shell("restore");
    command.arg(shelf.backup());
    let folder = elsewhere.folder().to_str().expect("text");
    let (code, told) = on_a_small_disk(command, folder, 128);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("No space left") && told.contains("left: lock"), "{told}");
}
