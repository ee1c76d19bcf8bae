//! The console: what its pages answer, and to whom.

mod accounts;
mod gate;
mod live;
mod reader;
mod system;
mod user;
mod visitor;
