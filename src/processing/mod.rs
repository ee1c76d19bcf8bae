//! Users' events on their way to processors.
//!
//! A processor is an HTTP endpoint that acts on events. What is sent to one is in
//! [`delivery`], signed by [`signature`]; [`client`] sends it, and [`answer`] says what
//! follows what came back.
//!
//! Nothing here reads settings: who makes a part hands in what it needs.

pub mod answer;
pub mod client;
pub mod delivery;
pub mod signature;
