//! A person's rights to their data.

mod erase;
mod erase_crashes;
mod erase_shell;
mod export;
mod marked;
mod shell;
