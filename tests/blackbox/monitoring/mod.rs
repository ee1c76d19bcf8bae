//! What load balancers, monitors and people ask a running service.

mod documentation;
mod greeting;
mod health;
mod history;
mod metrics;
mod refused;
mod stats;
