//! Promises about staff accounts and what belongs to them.

pub mod accounts;
pub mod audit;
pub mod samples;
pub mod sessions;
pub mod set_up;
pub mod team;
pub mod tokens;
pub mod write_keys;
