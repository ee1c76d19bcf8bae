//! Where the service's binary comes from, and where results go.

use std::path::PathBuf;
use std::process::Command;

use trailkeep_testkit::launch::find_binary;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::arguments::Arguments;

/// The profile that figures are taken with: what runs in service.
const MEASURED: &str = "dist";

/// The service's binary: the one that was named, else one that is built now,
/// into the target folder that this program is from.
pub fn service(arguments: &Arguments) -> Result<PathBuf, Trouble> {
    if arguments.service.is_none() {
        build()?;
        warn_of_profile(&profile()?);
    }
    find_binary(arguments.service.as_deref())
}

/// The folder for results: the one that was named, else `bench` in the target
/// folder.
pub fn results_folder(arguments: &Arguments) -> Result<PathBuf, Trouble> {
    match &arguments.out {
        Some(folder) => Ok(folder.clone()),
        None => Ok(target_folder()?.join("bench")),
    }
}

/// `cargo run` builds the example and not the service beside it. Not both at
/// once, because the service would get what only tests want of its crates, such
/// as tokio's clock that can be paused.
fn build() -> Result<(), Trouble> {
    let profile = profile()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--bin", "trailkeep", "--profile", &profile, "--target-dir"])
        .arg(target_folder()?)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .during("building the service")?;
    if !status.success() {
        return Err(Trouble(format!("building the service ended with {status}")));
    }
    Ok(())
}

/// Says so where this program is built otherwise than what runs in service.
pub fn warn_of_profile(profile: &str) {
    if profile != MEASURED {
        eprintln!("a {profile} build, and no {MEASURED} one as runs in service, which takes less");
    }
}

/// The profile that this program was built with, which the service is built with
/// too.
pub fn profile() -> Result<String, Trouble> {
    let folder = profile_folder()?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    // The one whose folder has another name.
    Ok(if name == "debug" { "dev".to_owned() } else { name.into_owned() })
}

/// An example lies in `target/PROFILE/examples`.
fn profile_folder() -> Result<PathBuf, Trouble> {
    let own = std::env::current_exe().during("looking for this program")?;
    let folder = own.ancestors().nth(2).map(PathBuf::from);
    folder.ok_or_else(|| Trouble("this program lies in no target folder".to_owned()))
}

fn target_folder() -> Result<PathBuf, Trouble> {
    let folder = profile_folder()?;
    let target = folder.parent().map(PathBuf::from);
    target.ok_or_else(|| Trouble("this program lies in no target folder".to_owned()))
}
