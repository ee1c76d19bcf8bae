//! The log: one line an event, on standard output.
//!
//! Standard output, because the log is all that a running service has to say
//! and every supervisor collects it from there in order; standard error is left
//! to what is said before the log exists (wrong settings) and to panics.

use std::io::{self, IsTerminal};

use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The directives cannot be read. Settings that were loaded rule it out.
    #[error("log.level cannot be read: {0}")]
    Level(#[from] ParseError),
    /// This process has a log already.
    #[error("the log was started before: {0}")]
    Started(#[from] SetGlobalDefaultError),
}

/// Starts the log of this process; called once, before anything is logged.
/// Text is coloured only on a terminal, and not where `NO_COLOR` is set.
///
/// # Errors
///
/// When the directives cannot be read, or when there is a log already.
pub fn init_logging(log: &Log) -> Result<(), LoggingError> {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(log, colour, io::stdout)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

/// JSON lines have `timestamp`, `level`, `target`, `message` and the event's
/// own fields side by side, and under `span` those of the innermost span.
fn subscriber<W>(
    log: &Log,
    colour: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt().with_env_filter(EnvFilter::try_new(&log.level)?).with_writer(writer);
    Ok(match log.format {
        LogFormat::Text => Box::new(lines.with_ansi(colour).finish().with(filter_fn(is_heard))),
        LogFormat::Json => Box::new(
            lines
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .finish()
                .with(filter_fn(is_heard)),
        ),
    })
}

/// The session layer warns of each request with a cookie that opens nothing, so
/// whoever sends such cookies would fill the log. Whatever the level, these
/// warnings are not in it: that such a request was refused is logged already.
fn is_heard(metadata: &Metadata<'_>) -> bool {
    *metadata.level() != Level::WARN || !metadata.target().starts_with("tower_sessions")
}

#[cfg(test)]
pub mod captured;
#[cfg(test)]
mod tests;
