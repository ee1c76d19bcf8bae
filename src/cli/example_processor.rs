//! `trailkeep example-processor`: a processor to try things with. It takes its time,
//! fails and refuses as it is told to, and writes down what it was sent, so it is also
//! what tests and loads use.

mod chance;
mod memory;
mod record;
mod sent;
mod service;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::terminal::{complain, print};
use crate::processing::signature::{Secret, SecretError};
use crate::shutdown::Signals;
use chance::{Delay, Share};
use record::Record;
use service::Processor;

const AFTER_HELP: &str = "\
It takes POST /events, waits, and answers as a processor does:
  200  {\"status\": \"success\", \"message\": \"Event processed successfully\"}
  400  the body is no JSON object
  401  the signature does not fit, with --secret
  422  the event's type is poison: it will never be processed
  500  a failure by chance, after the wait; the next attempt may do better
GET /health answers {\"status\": \"ok\", \"service\": \"processor-service\"}.

It remembers the last 100,000 webhook-ids that it has processed, and answers one that
comes again at once, as it did before. So an event is processed once, however often
it is sent.

A line of --log has at (milliseconds since 1970), what (request or answer), webhookId,
attempt, user, eventId, type, status and isRepeated. It is written before the answer.

SIGTERM or Ctrl-C stops it when all requests are answered; a second one stops it at once.

Examples:
  trailkeep example-processor
  trailkeep example-processor --delay-ms 5000..6000 --fail 1%
  trailkeep example-processor --poison-type page_view --log requests.ndjson";

/// How it is to behave.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Command {
    /// Listen on this port; 0 takes a free one
    #[arg(long, default_value_t = 3001)]
    port: u16,
    /// Listen on this address
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: String,
    /// Milliseconds that an event takes, such as 5000..6000
    #[arg(long, default_value = "0", value_name = "MS", value_parser = Delay::parse)]
    delay_ms: Delay,
    /// The share of attempts that fail, such as 1%
    #[arg(long, default_value = "0%", value_name = "SHARE", value_parser = Share::parse)]
    fail: Share,
    /// Refuse events of this type for good; may be repeated
    #[arg(long, value_name = "TYPE")]
    poison_type: Vec<String>,
    /// Take only what is signed with this secret; may be repeated
    #[arg(long, value_name = "SECRET", value_parser = parse_secret)]
    secret: Vec<Secret>,
    /// The field of an event that has the user's id
    #[arg(long, default_value = "userId", value_name = "NAME")]
    user_field: String,
    /// Append a line to this file for each request and answer
    #[arg(long, value_name = "PATH")]
    log: Option<PathBuf>,
    /// Print no line for each event
    #[arg(long)]
    quiet: bool,
}

fn parse_secret(text: &str) -> Result<Secret, SecretError> {
    Secret::parse(text)
}

/// Why it cannot work.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExampleError {
    #[error("cannot listen on {0}: {1}")]
    Listen(String, io::Error),
    #[error("cannot write the log {0:?}: {1}")]
    Log(PathBuf, io::Error),
    #[error("the system refuses what is needed: {0}")]
    System(#[from] io::Error),
}

/// Works until a signal stops it.
pub(super) fn run(command: Command) -> Result<ExitCode, ExampleError> {
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(serve(command));
    // After a second signal nobody waits for what is under way.
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

async fn serve(command: Command) -> Result<ExitCode, ExampleError> {
    // From here on a signal stops it in order.
    let signals = Signals::listen()?;
    let record = match command.log {
        Some(path) => Record::append_to(&path).map_err(|error| ExampleError::Log(path, error))?,
        None => Record::none(),
    };
    let named = format!("{}:{}", command.host, command.port);
    let listener = TcpListener::bind((command.host.as_str(), command.port)).await;
    let listener = listener.map_err(|error| ExampleError::Listen(named, error))?;
    print(&format!(
        "example processor at http://{}/events; an event takes {}; Ctrl-C stops it\n",
        listener.local_addr()?,
        command.delay_ms,
    ));
    let processor = Processor {
        delay: command.delay_ms,
        fail: command.fail,
        poison: command.poison_type,
        secrets: command.secret,
        user_field: command.user_field,
        is_quiet: command.quiet,
        record,
        memory: memory::Memory::default(),
    };
    // An answer is one write: there is nothing to wait for. Where this cannot be said,
    // answers are only slower.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stop = CancellationToken::new();
    let server = axum::serve(listener, service::router(Arc::new(processor)))
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = server.into_future() => served.map(|()| ExitCode::SUCCESS).map_err(Into::into),
        () = stopping(signals, stop) => Ok(ExitCode::FAILURE),
    }
}

/// Begins a stop with the first signal, and returns with the second.
async fn stopping(mut signals: Signals, stop: CancellationToken) {
    let name = signals.next().await;
    complain(&format!("trailkeep: {name}; answering what is under way\n"));
    stop.cancel();
    let name = signals.next_on_purpose().await;
    complain(&format!("trailkeep: {name} again; what is under way gets no answer\n"));
}
