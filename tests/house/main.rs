//! The house is as `docs/ARCHITECTURE.md` says: imports point one way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod circles;
mod imports;
mod order;
mod way;

use imports::House;

/// Every program and crate of the project.
const CRATES: [(&str, &str); 12] = [
    ("trailkeep", "src"),
    ("trailkeep_delivery", "crates/delivery/src"),
    ("trailkeep_event", "crates/event/src"),
    ("trailkeep_journal", "crates/journal/src"),
    ("trailkeep_store", "crates/store/src"),
    ("trailkeep_store_contract", "crates/store/contract/src"),
    ("trailkeep_testkit", "crates/testkit/src"),
    ("bench", "load-tests/bench"),
    ("conservation", "load-tests/conservation"),
    ("footprint", "load-tests/footprint"),
    ("load", "load-tests/load"),
    ("seed_rate", "load-tests/seed_rate"),
];

fn house() -> House {
    House::read(&CRATES)
}
