//! The console: what its pages answer, and to whom.

mod gate;
mod live;
mod user;
mod visitor;
