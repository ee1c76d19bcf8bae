//! Stopping: what was accepted is stored or put by, and the exit code says which.

mod clean;
mod refused_starts;
mod unreachable;
