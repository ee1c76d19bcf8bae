//! Trailkeep.
pub mod app;
pub mod cli;
pub mod config;
pub mod event;
pub mod http;
pub mod journey;
pub mod pipeline;
pub mod shutdown;
pub mod store;
pub mod telemetry;
