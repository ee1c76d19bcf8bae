//! The console: what its pages answer, and to whom.

mod account;
mod accounts;
mod audit;
mod gate;
mod keys;
mod live;
mod privacy;
mod processors;
mod reader;
mod set_aside;
mod staff;
mod system;
mod team;
mod user;
mod visitor;
