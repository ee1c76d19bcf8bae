//! The log: one line an event, on standard output.
//!
//! Standard output, because the log is all that a running service has to say
//! and every supervisor collects it from there in order; standard error is left
//! to what is said before the log exists (wrong settings) and to panics.

use std::io::{self, IsTerminal};

use tracing::subscriber::SetGlobalDefaultError;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The directives cannot be read. Settings that were loaded rule it out.
    #[error("log.level cannot be read: {0}")]
    Level(#[from] ParseError),
    /// There is no log any more.
    #[error("the log has ended: {0}")]
    Ended(#[from] reload::Error),
    /// This process has a log already.
    #[error("the log was started before: {0}")]
    Started(#[from] SetGlobalDefaultError),
}

/// The level of a log that is under way.
pub struct LogLevel(Box<SetFilter>);

type SetFilter = dyn Fn(Targets) -> Result<(), reload::Error> + Send + Sync;

impl LogLevel {
    /// That of whatever this sets the filter of.
    pub fn new(set: impl Fn(Targets) -> Result<(), reload::Error> + Send + Sync + 'static) -> Self {
        Self(Box::new(set))
    }

    /// Has the log go by these directives from now on.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or when the log has ended.
    pub fn set(&self, level: &str) -> Result<(), LoggingError> {
        Ok((self.0)(level.parse()?)?)
    }
}

/// Starts the log of this process; called once, before anything is logged.
/// Text is coloured only on a terminal, and not where `NO_COLOR` is set.
///
/// # Errors
///
/// When the directives cannot be read, or when there is a log already.
pub fn init_logging(log: &Log) -> Result<LogLevel, LoggingError> {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (subscriber, level) = subscriber(log, colour, io::stdout)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(level)
}

/// JSON lines have `timestamp`, `level`, `target`, `message` and the event's
/// own fields side by side, and under `span` those of the innermost span.
fn subscriber<W>(
    log: &Log,
    colour: bool,
    writer: W,
) -> Result<(Box<dyn Subscriber + Send + Sync>, LogLevel), ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(log.level.parse::<Targets>()?);
    let lines = fmt::layer().with_writer(writer);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(colour).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let subscriber = Registry::default().with(lines).with(filter).with(filter_fn(is_heard));
    Ok((Box::new(subscriber), LogLevel::new(move |filter| handle.reload(filter))))
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
