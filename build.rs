//! Tells the program which commit it is built from.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The commit, for the program; set from outside where there is no history, as in
/// an archive of the sources.
const COMMIT: &str = "TRAILKEEP_COMMIT";

/// Digits of a commit that are shown.
const DIGITS: &str = "--short=12";

fn main() {
    // Without a word of these, each change of any file would run this again.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={COMMIT}");
    let commit = named().or_else(of_git).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env={COMMIT}={commit}");
}

/// It becomes the value of a label and a word of the log.
fn named() -> Option<String> {
    let named = env::var(COMMIT).ok()?;
    let is_word = !named.is_empty() && named.chars().all(|c| c.is_ascii_alphanumeric());
    is_word.then_some(named)
}

/// The commit that is checked out here. A folder that lies in somebody else's
/// repository, as an unpacked archive may, has none.
fn of_git() -> Option<String> {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let top = PathBuf::from(git(&folder, &["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != folder.canonicalize().ok()? {
        return None;
    }
    let commit = git(&folder, &["rev-parse", DIGITS, "HEAD"])?;
    // Each of these changes when another commit is checked out or made. A file that
    // is not there must not be named: cargo would run this at each build.
    let branch = git(&folder, &["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(&folder, &["rev-parse", "--git-path", name]).map(|path| folder.join(path));
        if let Some(path) = path.filter(|path| path.is_file()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    Some(commit)
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // A hook that builds has these set, for its own repository.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}
