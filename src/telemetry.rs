//! To come.

pub mod memory;
pub mod names;
