#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod known;
pub mod memory_people;
mod payloads;
mod search;
