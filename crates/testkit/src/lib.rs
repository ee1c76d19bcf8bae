//! What tests and load tests of the service need: a real `mongod`, the service as
//! a process, a client of it, and somebody who cleans up behind a test that was
//! killed. It knows of the service only what the contract says, and imports nothing
//! of it.
//!
//! Tests use [`service`] and [`client`], which panic with what is needed to
//! understand it; harnesses use [`launch`], which answers a
//! [`Trouble`](trouble::Trouble).
#![allow(clippy::expect_used, clippy::panic)]

pub mod answer;
pub mod axe;
pub mod browser;
pub mod client;
pub mod eventually;
pub mod fetched;
pub mod home;
pub mod launch;
pub mod mongod;
pub mod port;
pub mod processor;
pub mod raw;
pub mod service;
pub mod set_up;
pub mod sse;
pub mod staff;
pub mod tools;
pub mod trouble;
pub mod watchdog;
mod wheel;
