//! The console: what its pages answer, and to whom.

mod accounts;
mod reader;
mod system;
