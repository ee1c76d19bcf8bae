//! `trailkeep processors`: how those are doing who are sent events, and what is to be
//! done, from the shell. It asks the service that has the data folder, for only a running
//! one delivers.

mod told;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::control::{Control, ControlError};
use super::flags::Flags;
use crate::config::Settings;
use crate::console::links::segment;
use told::{Commanded, Processor, lines, row, told};

/// How often it is asked how far something is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What can be done about processors from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print how all processors are doing
    List {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print the users who are stuck: whose event fails, or who wait for a person
    Users {
        #[command(flatten)]
        of: Of,
    },
    /// Send nothing until it is resumed; events go on to be accepted and stored
    Pause {
        #[command(flatten)]
        of: Of,
    },
    /// Go on sending
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Send the event at which a user is stuck again, now
    Retry {
        #[command(flatten)]
        event: Event,
        #[command(flatten)]
        of: Of,
    },
    /// Do not send the event at which a user is stuck any more; the user goes on
    Skip {
        #[command(flatten)]
        event: Event,
        #[command(flatten)]
        of: Of,
    },
    /// Let a user go on who waits for a person; the event stays a dead letter
    Release {
        #[command(flatten)]
        event: Event,
        #[command(flatten)]
        of: Of,
    },
    /// Send events again, each user's in order
    Replay(Replay),
    /// Print the events that were given up
    DeadLetters {
        #[command(flatten)]
        of: Of,
    },
    /// Send an event again that was given up
    RetryLetter {
        /// Its id, as `dead-letters` prints it
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Let an event that was given up count as skipped
    DropLetter {
        /// Its id, as `dead-letters` prints it
        id: String,
        #[command(flatten)]
        of: Of,
    },
    /// Look for events that are neither done nor pending
    Check {
        /// Send what is found
        #[arg(long)]
        repair: bool,
        #[command(flatten)]
        of: Of,
    },
    /// Print what was asked for within the last hour, and how far it is
    Commands {
        #[command(flatten)]
        of: Of,
    },
    /// Remove a processor that is in nobody's settings, with what is pending for it
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Which processor is meant.
#[derive(clap::Args)]
pub(super) struct Of {
    /// The processor
    #[arg(long, value_name = "NAME", default_value = "default")]
    processor: String,
    #[command(flatten)]
    flags: Flags,
}

/// The event at which a user is stuck.
#[derive(clap::Args)]
pub(super) struct Event {
    /// The user
    user: String,
    /// The event's id, as `users` prints it
    event: String,
}

/// Which events are sent again.
#[derive(clap::Args)]
pub(super) struct Replay {
    /// Those that happened then or later, such as 2026-01-31T10:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Those that happened then or earlier
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Those of one user
    #[arg(long)]
    user: Option<String>,
    /// Those of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Those of which this became: processed, failed or skipped
    #[arg(long)]
    state: Option<String>,
    /// Count them, and send nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    of: Of,
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::List { flags } | Self::Remove { flags, .. } => flags,
            Self::Users { of }
            | Self::Pause { of }
            | Self::Resume { of }
            | Self::Retry { of, .. }
            | Self::Skip { of, .. }
            | Self::Release { of, .. }
            | Self::Replay(Replay { of, .. })
            | Self::DeadLetters { of }
            | Self::RetryLetter { of, .. }
            | Self::DropLetter { of, .. }
            | Self::Check { of, .. }
            | Self::Commands { of } => &of.flags,
        }
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessorsError {
    #[error(
        "no service has the data folder {0}, and only a running one sends events. Start it, or \
         name its folder (DATA_DIR)"
    )]
    NoService(String),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, ProcessorsError> {
    let runtime = Runtime::new()?;
    let done = runtime.block_on(async {
        let folder = || settings.store.data_dir.display().to_string();
        let control = Control::at(settings).await?;
        let control = control.ok_or_else(|| ProcessorsError::NoService(folder()))?;
        act(command, &control).await
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn act(command: Command, control: &Control) -> Result<String, ProcessorsError> {
    let path = |of: &Of, rest: &str| format!("/processors/{}/{rest}", segment(&of.processor));
    let nothing = json!({});
    match command {
        Command::List { .. } => {
            let processors: Vec<Processor> = control.get("/processors").await?;
            Ok(processors.iter().map(row).collect())
        }
        Command::Users { of } => {
            let found: Value = control.get(&path(&of, "users")).await?;
            let shown = found["users"].as_array().map_or(0, Vec::len) as u64;
            let all = found["stuckUsers"].as_u64().unwrap_or_default();
            let more = match all.saturating_sub(shown) {
                0 => String::new(),
                more => format!("and {more} more\n"),
            };
            Ok(lines(&found["users"]) + &more)
        }
        Command::Pause { of } => Ok(told(control.post(&path(&of, "pause"), &nothing).await?)),
        Command::Resume { of } => Ok(told(control.post(&path(&of, "resume"), &nothing).await?)),
        Command::Retry { event, of } => about(control, &of, "retry", &event).await,
        Command::Skip { event, of } => about(control, &of, "skip", &event).await,
        Command::Release { event, of } => about(control, &of, "release", &event).await,
        Command::Replay(replay) => {
            let body = body(&replay);
            wait(control, &replay.of, control.post(&path(&replay.of, "replay"), &body).await?).await
        }
        Command::DeadLetters { of } => {
            let letters: Vec<Value> =
                control.get_all(&path(&of, "dead-letters"), "deadLetters").await?;
            Ok(lines(&Value::Array(letters)))
        }
        Command::RetryLetter { id, of } => {
            let path = path(&of, &format!("dead-letters/{}/retry", segment(&id)));
            Ok(told(control.post(&path, &nothing).await?))
        }
        Command::DropLetter { id, of } => {
            let path = path(&of, &format!("dead-letters/{}", segment(&id)));
            Ok(told(control.delete(&path).await?))
        }
        Command::Check { repair, of } => {
            let begun = control.post(&path(&of, "check"), &json!({ "repair": repair })).await?;
            wait(control, &of, begun).await
        }
        Command::Commands { of } => {
            let found: Value = control.get(&path(&of, "commands")).await?;
            Ok(lines(&found["commands"]))
        }
        Command::Remove { name, .. } => {
            control.delete::<()>(&format!("/processors/{}", segment(&name))).await?;
            Ok(format!("{name} is removed\n"))
        }
    }
}

async fn about(
    control: &Control,
    of: &Of,
    what: &str,
    event: &Event,
) -> Result<String, ProcessorsError> {
    let (name, user) = (segment(&of.processor), segment(&event.user));
    let body = json!({ "eventId": event.event });
    Ok(told(control.post(&format!("/processors/{name}/users/{user}/{what}"), &body).await?))
}

fn body(replay: &Replay) -> Value {
    let mut body = Map::new();
    let texts = [
        ("from", &replay.from),
        ("to", &replay.to),
        ("userId", &replay.user),
        ("state", &replay.state),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body.insert(name.to_owned(), text.as_str().into());
        }
    }
    body.insert("types".to_owned(), replay.types.clone().into());
    body.insert("dryRun".to_owned(), replay.dry_run.into());
    Value::Object(body)
}

/// Waits until something long is done, and tells how far it is meanwhile. Whoever does not
/// want to wait breaks off: it goes on.
async fn wait(control: &Control, of: &Of, begun: Commanded) -> Result<String, ProcessorsError> {
    if begun.state == "done" {
        return Ok(told(begun));
    }
    let path = format!("/processors/{}/commands", segment(&of.processor));
    let is_watched = io::stderr().is_terminal();
    loop {
        sleep(LOOK_EVERY).await;
        let found: Value = control.get(&path).await?;
        let commands = found["commands"].as_array().into_iter().flatten();
        let mut commands = commands.filter(|command| command["id"] == *begun.command_id);
        let Some(command) = commands.next() else {
            return Ok("it is done, and told no more\n".to_owned());
        };
        let number = |name: &str| command[name].as_u64().unwrap_or_default();
        if is_watched {
            // Whoever watches sees one line that changes.
            let _ =
                write!(io::stderr(), "\r{} looked at, {} found ", number("seen"), number("events"));
        }
        if command["state"] != "open" {
            if is_watched {
                let _ = writeln!(io::stderr());
            }
            let message = command["message"].as_str().unwrap_or_default();
            return Ok(format!("{} {message}\n", number("events")));
        }
    }
}
