//! The console: what its pages answer, and to whom.

mod account;
mod audit;
mod keys;
mod processors;
mod set_aside;
mod staff;
mod visitor;
