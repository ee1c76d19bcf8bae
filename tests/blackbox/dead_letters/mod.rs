//! Events that the database refuses for good.

mod kept;
mod managed;
mod refused_as_a_whole;
mod rights;
pub mod rules;
mod shell;
