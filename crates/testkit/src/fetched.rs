//! What tests fetch once, into the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file or a folder of this name within a folder of the target folder. Parallel test
/// binaries wait for each other here, and fetch once: `fetch` is given an empty folder and
/// puts it there. The error says what could not be done.
pub fn once(
    folder: &str,
    name: &str,
    fetch: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let folder = target_folder().join(folder);
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(say)?;
    let lock = File::create(folder.join("lock")).map_err(say)?;
    lock.lock().map_err(say)?;

    let fetched = folder.join(name);
    if fetched.exists() {
        return Ok(fetched);
    }
    let download = folder.join("download");
    let _ = fs::remove_dir_all(&download);
    fs::create_dir(&download).map_err(say)?;
    fetch(&download)?;
    fs::rename(download.join(name), &fetched).map_err(say)?;
    let _ = fs::remove_dir_all(&download);
    Ok(fetched)
}

/// Tests and examples lie two folders deep in it.
fn target_folder() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.ancestors().nth(3).expect("it lies in the target folder").to_owned()
}

/// Runs a command to its end; the error is what it complained of.
pub fn run(mut command: Command) -> Result<(), String> {
    let output =
        command.output().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{:?} ended with {}: {}",
        command.get_program(),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}
