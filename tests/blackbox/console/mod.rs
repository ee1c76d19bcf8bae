//! The console: what its pages answer, and to whom.

mod keys;
mod visitor;
