//! Whether a loss is noticed: the harness on a service that loses events.

use std::path::{Path, PathBuf};
use std::process::Command;

use trailkeep_testkit::trouble::{Trouble, While as _};

/// What it is built as, and the feature that makes it answer too early.
const EXAMPLE: &str = "early_answer";
const FEATURE: &str = "fault-early-answer";

/// Builds the service that answers 202 before a batch is in the journal.
pub fn build_service() -> Result<PathBuf, Trouble> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--example", EXAMPLE, "--features", FEATURE])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What `cargo run` says of this package would have dependencies built anew.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
        build.env_remove(name);
    }
    build.env_remove("CARGO_MANIFEST_DIR");
    let status = build.status().during("cargo")?;
    if !status.success() {
        return Err(Trouble(format!("cargo ended with {status}")));
    }
    let own = std::env::current_exe().during("looking for this program")?;
    let target = own.ancestors().nth(3).unwrap_or(Path::new("."));
    Ok(target.join("debug/examples").join(EXAMPLE))
}
