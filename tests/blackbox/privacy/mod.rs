//! A person's rights to their data.

mod export;
mod shell;
