//! What the service says about itself in its log.

mod logging;

#[cfg(test)]
pub use logging::captured;
pub use logging::{LogLevel, LoggingError, init_logging};
