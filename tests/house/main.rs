//! The house is as `docs/ARCHITECTURE.md` says: imports point one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod circles;
mod imports;
mod way;

use imports::House;

/// Every program and crate of the project.
const CRATES: [(&str, &str); 8] = [
    ("trailkeep", "src"),
    ("trailkeep_event", "crates/event/src"),
    ("trailkeep_journal", "crates/journal/src"),
    ("trailkeep_store", "crates/store/src"),
    ("bench", "load-tests/bench"),
    ("conservation", "load-tests/conservation"),
    ("footprint", "load-tests/footprint"),
    ("load", "load-tests/load"),
];

fn house() -> House {
    House::read(&CRATES)
}
