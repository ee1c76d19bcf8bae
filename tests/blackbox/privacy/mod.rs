//! A person's rights to their data.

pub mod erase;
mod erase_crashes;
mod erase_left;
mod erase_shell;
pub mod export;
mod log;
pub mod marked;
mod shell;
