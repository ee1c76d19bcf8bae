//! Stopping: what was accepted is stored or in the journal, and the exit code is 0.

mod clean;
mod refused_starts;
mod unreachable;
