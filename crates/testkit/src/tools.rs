//! Programs of the machine that some tests need, and what becomes of these tests where they
//! are missing.

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

/// The program of this name.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Says that tests are left out, once, past the harness, which shows nothing of tests that
/// pass.
///
/// # Panics
///
/// Where none may be: with `CI` or `TRAILKEEP_REQUIRE_TOOLS` in the environment.
pub fn leave_out(tests: &'static str, missing: &str) {
    static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    assert!(!is_set("CI") && !is_set("TRAILKEEP_REQUIRE_TOOLS"), "{missing}");
    if SAID.lock().expect("no panic before").insert(tests) {
        let _ = writeln!(std::io::stderr(), "\n== LEFT OUT: {tests}. {missing}\n");
    }
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0" && value != "false")
}
