//! Black-box tests: the real binary, a real MongoDB, real signals.
//!
//! Each test starts a service of its own, on a free port and in its own
//! folder, and knows of it only what the contract says. The names of the tests
//! are the promises they check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Runs tests on both stores: each `async fn name(home: Home)` becomes
/// `name::embedded` and `name::mongodb`.
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            #[tokio::test]
            async fn embedded() {
                super::$test(crate::home::Home::embedded()).await;
            }

            #[tokio::test]
            async fn mongodb() {
                super::$test(crate::home::Home::mongodb()).await;
            }
        }
    )+};
}

mod load;
mod sample;

mod access;
mod accounts;
mod backlog;
mod backup;
mod console;
mod control;
mod dead_letters;
mod disk;
mod doctor;
mod events;
mod example_processor;
mod hostile;
mod invariants;
mod journal;
mod journey;
mod links;
mod live;
mod monitoring;
mod moving;
mod people;
mod pipeline;
mod privacy;
mod problems;
mod processing;
mod reload;
mod retention;
mod seed;
mod shutdown;
mod wires;

use trailkeep_testkit::{
    answer, client, eventually, home, mongod, port, processor, raw, service, set_up, sse, staff,
    watchdog,
};
