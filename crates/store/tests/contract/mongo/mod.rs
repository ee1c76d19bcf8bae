//! What a MongoDB store promises beyond the contract.

mod access;
mod accounts;
mod activity;
mod documents;
mod erasures;
mod faults;
mod indexes;
mod moving;
mod payloads;
mod people;
mod periods;
mod plans;
mod processing;
mod retention;
mod takeover;
