//! What the service says about itself: its log, the names of its metrics, the
//! memory it has.

mod logging;
pub mod memory;
pub mod names;

#[cfg(test)]
pub use logging::captured;
pub use logging::{LoggingError, init_logging};
