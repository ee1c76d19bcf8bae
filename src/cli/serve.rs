//! Serving: the log first, then the service.

use std::process::ExitCode;
use std::sync::Arc;

use super::terminal::complain;
use crate::app;
use crate::app::reload::Configured;
use crate::config::{Loaded, Overrides, Settings};
use crate::telemetry;

/// Serves until a signal ends it.
pub fn serve(loaded: Loaded, overrides: Overrides) -> ExitCode {
    serve_and(loaded, overrides, |_| {})
}

/// Serves, and calls back once the service listens.
pub fn serve_and(
    loaded: Loaded,
    overrides: Overrides,
    started: impl FnOnce(app::Running),
) -> ExitCode {
    match telemetry::init_logging(&loaded.settings.log) {
        Ok(level) => {
            let read = Arc::new(move || Settings::load(&overrides));
            app::serve(Configured { loaded, read, level }, started)
        }
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            ExitCode::FAILURE
        }
    }
}
