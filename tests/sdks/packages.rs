//! The SDKs, fetched once into the target folder by what is locked here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trailkeep_testkit::fetched::{once, run};

const REQUIREMENTS: &str = include_str!("python/requirements.txt");
const PACKAGE: &str = include_str!("node/package.json");
const LOCK: &str = include_str!("node/package-lock.json");

/// A folder with what `python/requirements.txt` names.
///
/// # Panics
///
/// Where it cannot be fetched.
pub fn of_python() -> PathBuf {
    let name = named(REQUIREMENTS);
    let fetched = once("sdks-python", &name, |folder| {
        let requirements = written(folder, "requirements.txt", REQUIREMENTS)?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes"]);
        pip.arg("--requirement").arg(requirements);
        pip.arg("--target").arg(folder.join(&name));
        run(pip)
    });
    fetched.unwrap_or_else(|reason| panic!("the SDKs for Python cannot be fetched: {reason}"))
}

/// A folder with what `node/package-lock.json` names.
///
/// # Panics
///
/// Where it cannot be fetched.
pub fn of_node() -> PathBuf {
    let name = named(LOCK);
    let fetched = once("sdks-node", &name, |folder| {
        let folder = folder.join(&name);
        fs::create_dir(&folder).map_err(|error| error.to_string())?;
        written(&folder, "package.json", PACKAGE)?;
        written(&folder, "package-lock.json", LOCK)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
        run(npm)
    });
    fetched.unwrap_or_else(|reason| panic!("the SDKs for Node cannot be fetched: {reason}"))
}

/// Another one for another lock.
fn named(lock: &str) -> String {
    let sum = lock.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("packages-{sum:08x}")
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf, String> {
    let file = folder.join(name);
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}
