//! What the service says about itself.

mod logging;

pub use logging::{LoggingError, init_logging};
