//! Tells the program which commit it is built from, and gives it the files that its
//! pages need, and the tracker: compressed, each with its hash in its name.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The commit, for the program; set from outside where there is no history, as in
/// an archive of the sources.
const COMMIT: &str = "TRAILKEEP_COMMIT";

/// Digits of a commit that are shown.
const DIGITS: &str = "--short=12";

/// The files of the pages: what the program calls each, its name, its ending, its media type.
const ASSETS: [(&str, &str, &str, &str); 3] = [
    ("STYLE", "console", "css", "text/css; charset=utf-8"),
    ("SCRIPT", "console", "js", "text/javascript; charset=utf-8"),
    ("ICONS", "icons", "svg", "image/svg+xml"),
];

/// Where they lie.
const PAGES: &str = "web/console";

/// Where the builds of the tracker lie, and the file that says which is the present one.
const BUILDS: &str = "web/tracker/builds";
const PRESENT: &str = "web/tracker/builds/present";

/// Bytes of a hash that are in a file's name.
const HASH_BYTES: usize = 6;

fn main() -> io::Result<()> {
    // Without a word of these, each change of any file would run this again.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={COMMIT}");
    let commit = named().or_else(of_git).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env={COMMIT}={commit}");
    let folder = env::var_os("OUT_DIR").map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("cargo names no folder"))?;
    fs::write(folder.join("assets.rs"), assets(&folder)?)?;
    fs::write(folder.join("tracker.rs"), tracker(&folder)?)
}

/// A list of all builds of the tracker, and which is the present one.
fn tracker(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={BUILDS}");
    let present = fs::read_to_string(PRESENT)?;
    let mut hashes = Vec::new();
    for entry in fs::read_dir(BUILDS)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        let hash = name.strip_prefix("t.").and_then(|rest| rest.strip_suffix(".js"));
        hashes.extend(hash.map(str::to_owned));
    }
    hashes.sort();
    let newest = hashes.iter().position(|hash| hash == present.trim());
    let newest = newest.ok_or_else(|| io::Error::other(format!("{PRESENT} names no build")))?;
    let mut list = String::new();
    for hash in &hashes {
        let path = format!("{BUILDS}/t.{hash}.js");
        let gzip = compressed(&fs::read(&path)?, folder, &format!("tracker.{hash}"))?;
        let plain = fs::canonicalize(&path)?;
        let _ = writeln!(
            list,
            "Build {{ hash: {hash:?}, plain: include_bytes!({plain:?}), \
             gzip: include_bytes!({gzip:?}) }},"
        );
    }
    Ok(format!(
        "const PRESENT: usize = {newest};\nstatic BUILDS: [Build; {}] = [\n{list}];\n",
        hashes.len()
    ))
}

/// Where a file lies compressed.
fn compressed(plain: &[u8], folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(format!("{name}.gz"));
    let mut encoder = GzEncoder::new(File::create(&path)?, Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()?;
    Ok(path)
}

/// Constants with the paths of the files, and a list of all of them.
fn assets(folder: &Path) -> io::Result<String> {
    let (mut constants, mut list) = (String::new(), String::new());
    for (name, stem, ending, media_type) in ASSETS {
        let path = format!("{PAGES}/{stem}.{ending}");
        println!("cargo:rerun-if-changed={path}");
        let plain = fs::read(&path)?;
        let file = format!("{stem}.{}.{ending}", hash(&plain));
        let gzip = compressed(&plain, folder, name)?;
        let plain = fs::canonicalize(&path)?;
        let _ = writeln!(constants, "pub const {name}: &str = \"/console/assets/{file}\";");
        let _ = writeln!(
            list,
            "Asset {{ file: {file:?}, media_type: {media_type:?}, plain: include_bytes!({plain:?}), \
             gzip: include_bytes!({gzip:?}) }},"
        );
    }
    Ok(format!("{constants}pub const ALL: [Asset; {}] = [\n{list}];\n", ASSETS.len()))
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(HASH_BYTES).fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"))
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
