//! A person's rights to their data.

pub mod erase;
mod erase_crashes;
pub mod export;
mod marked;
mod shell;
