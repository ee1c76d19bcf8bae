//! The command line: what people type, and what they are told.

mod admin;
mod backup;
mod control;
mod dead_letters;
mod demo;
mod doctor;
mod erasures;
mod example_processor;
mod far;
mod flags;
mod moving;
mod place;
mod privacy;
mod processors;
mod progress;
mod reload;
mod restore;
mod retention;
mod seed;
mod serve;
mod terminal;
mod users;
mod write_keys;

use std::fmt::Display;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::memory;
use crate::config::{self, ConfigErrors, Entry, Loaded, Overrides, Settings};
use crate::monitoring::version;
use flags::Flags;
use reload::ReloadError;
use terminal::{complain, print};

/// The exit code for wrong settings and for a wrong command line.
const WRONG_SETTINGS: u8 = 2;

/// The exit code where dead letters stay that were to go.
const SOME_LEFT: u8 = 3;

const ABOUT: &str = "\
Collects events that trackers post over HTTP, writes them in batches to MongoDB
(or to a local folder where no MongoDB is named), and gives a user's journey back.";

const AFTER_HELP: &str = "\
Where settings come from, later ones winning:
  built-in defaults; the file named by --config; the environment, and .env in the
  working directory; flags. In the environment five have short names: PORT, HOST,
  MONGODB_URI, DATA_DIR and PROCESSOR_URL. Every other one is called by its path:
  write.in_flight is WRITE_IN_FLIGHT. `trailkeep config --defaults` prints all
  settings, documented.

Examples:
  trailkeep                                   serve on 127.0.0.1:3000, data in ./data
  MONGODB_URI=mongodb://db:27017/shop trailkeep
  trailkeep --port 8080 --set write.max_wait_ms=250
  trailkeep config                            what is in force, and where from
  trailkeep config --defaults > trailkeep.toml
  trailkeep reload                            have a running service read settings again
  trailkeep admin create jo@example.com       make an administrator from the shell
  trailkeep write-keys create shop            make a key that events have to have
  trailkeep demo                              a shop to look at, signed in by a link
  trailkeep seed 1000000                      write a million sample events
  trailkeep move --to mongodb://db:27017/shop all of the folder into MongoDB
  trailkeep doctor                            what is wrong, and what to do about it
  trailkeep dead-letters list                 events that the database refused for good
  trailkeep privacy                           what is kept of whom, and for how long
  trailkeep retention show                    how many events go, and when
  trailkeep users export ann --out ann.ndjson all that is known of somebody, as a file
  trailkeep users erase ann                   all of it erased, with a receipt
  trailkeep backup /backups/trailkeep.db      a copy of the embedded store while it runs
  trailkeep restore /backups/trailkeep.db     the copy back, without who was erased
  trailkeep erasures save erasures.json       who was erased, kept apart from it
  trailkeep processors users                  who is stuck at what is sent events
  trailkeep example-processor                 something that acts on events, to try with
  trailkeep --config trailkeep.toml";

#[derive(Parser)]
#[command(version = version::FULL, about = ABOUT, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service (the default)
    Serve {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print the settings in force, where each came from, secrets masked
    Config {
        /// Print the documented defaults instead, as a file to start from
        #[arg(long)]
        defaults: bool,
        /// Print them as environment variables, as .env.example has them
        #[arg(long, conflicts_with = "defaults")]
        env_example: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Have a running service read its settings again
    Reload(reload::Command),
    /// Make an administrator, reset a password, or list accounts
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
    /// Make, list or revoke the keys that trackers send with their events
    WriteKeys {
        #[command(subcommand)]
        command: write_keys::Command,
    },
    /// Show a shop, in a folder of its own, with a link that signs in
    Demo(demo::Command),
    /// Write sample events: a million, or as many as you like
    Seed(seed::Command),
    /// Move everything of the embedded store into MongoDB
    Move(moving::Command),
    /// Look at events that the database refused for good, retry or drop them
    DeadLetters {
        #[command(subcommand)]
        command: dead_letters::Command,
    },
    /// See how processors are doing and who is stuck; pause, retry, replay
    Processors {
        #[command(subcommand)]
        command: processors::Command,
    },
    /// Give all that is known of a user, or erase it
    Users {
        #[command(subcommand)]
        command: users::Command,
    },
    /// Copy the embedded store into a file, while its service runs
    Backup(backup::Command),
    /// Put a backup in its place, without users who were erased since
    Restore(restore::Command),
    /// Keep the list of who was erased elsewhere, or carry it out anew
    Erasures {
        #[command(subcommand)]
        command: erasures::Command,
    },
    /// Print what is kept of whom, where, for how long and who may see it
    Privacy {
        #[command(flatten)]
        flags: Flags,
    },
    /// Say how many events go by the retention, and when
    Retention {
        #[command(subcommand)]
        command: retention::Command,
    },
    /// Look for what is wrong, and say what to do; changes nothing
    Doctor(doctor::Command),
    /// Run a processor to try with: it waits, fails and refuses as told
    ExampleProcessor(example_processor::Command),
}

impl Cli {
    fn overrides(&self) -> Overrides {
        let overrides = self.flags.add_to(Overrides::default());
        match &self.command {
            Some(
                Command::Serve { flags }
                | Command::Config { flags, .. }
                | Command::Privacy { flags },
            ) => flags.add_to(overrides),
            Some(Command::Reload(command)) => command.flags.add_to(overrides),
            Some(Command::Admin { command }) => command.flags().add_to(overrides),
            Some(Command::WriteKeys { command }) => command.flags().add_to(overrides),
            Some(Command::Demo(command)) => command.add_to(overrides),
            Some(Command::Seed(command)) => command.flags.add_to(overrides),
            Some(Command::Move(command)) => command.add_to(overrides),
            Some(Command::DeadLetters { command }) => command.flags().add_to(overrides),
            Some(Command::Processors { command }) => command.flags().add_to(overrides),
            Some(Command::Users { command }) => command.flags().add_to(overrides),
            Some(Command::Retention { command }) => command.flags().add_to(overrides),
            Some(Command::Backup(command)) => command.flags.add_to(overrides),
            Some(Command::Restore(command)) => command.flags.add_to(overrides),
            Some(Command::Erasures { command }) => command.flags().add_to(overrides),
            Some(Command::Doctor(command)) => command.flags.add_to(overrides),
            // It has no settings.
            Some(Command::ExampleProcessor(_)) | None => overrides,
        }
    }
}

/// Does what the command line says. A wrong command line ends the process
/// here, with exit code 2.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Config { defaults: true, .. }) = cli.command {
        return print(config::DEFAULTS);
    }
    if let Some(Command::Config { env_example: true, .. }) = cli.command {
        return match config::env_example() {
            Ok(text) => print(&text),
            Err(errors) => refuse(&errors),
        };
    }
    if let Some(Command::ExampleProcessor(command)) = cli.command {
        return process(command);
    }
    let overrides = cli.overrides();
    if let Some(Command::Reload(_)) = cli.command {
        return reload(&overrides);
    }
    let loaded = match (Settings::load(&overrides), &cli.command) {
        (Ok(loaded), _) => loaded,
        // Wrong settings are one of the things that it looks for.
        (Err(errors), Some(Command::Doctor(command))) => return examine(command, &Err(errors)),
        (Err(errors), _) => return refuse(&errors),
    };
    match cli.command {
        Some(Command::Config { .. }) => {
            let bound = memory::reckon(&loaded.settings);
            print(&format!("{}\n{bound}", listing(&loaded.entries)))
        }
        Some(Command::Admin { command }) => told(admin::run(command, &loaded.settings)),
        Some(Command::WriteKeys { command }) => told(write_keys::run(command, &loaded.settings)),
        Some(Command::Demo(command)) => demo::run(&command, loaded, overrides),
        Some(Command::Seed(command)) => seed(&command, &loaded.settings),
        Some(Command::Move(_)) => move_store(&loaded.settings),
        Some(Command::DeadLetters { command }) => handle_letters(command, &loaded.settings),
        Some(Command::Processors { command }) => told(processors::run(command, &loaded.settings)),
        Some(Command::Privacy { .. }) => print(&privacy::register(&loaded.settings)),
        Some(Command::Retention { command }) => told(retention::run(command, &loaded.settings)),
        Some(Command::Users { command }) => told(users::run(command, &loaded.settings)),
        Some(Command::Backup(command)) => back_up(&command, &loaded.settings),
        Some(Command::Restore(command)) => told(restore::run(&command, &loaded.settings)),
        Some(Command::Erasures { command }) => told(erasures::run(&command, &loaded.settings)),
        Some(Command::Doctor(command)) => examine(&command, &Ok(loaded)),
        // They have returned above.
        Some(Command::ExampleProcessor(_) | Command::Reload(_)) => ExitCode::FAILURE,
        Some(Command::Serve { .. }) | None => serve::serve(loaded, overrides),
    }
}

fn process(command: example_processor::Command) -> ExitCode {
    match example_processor::run(command) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn reload(overrides: &Overrides) -> ExitCode {
    let data_dir = match Settings::data_dir(overrides) {
        Ok(data_dir) => data_dir,
        Err(errors) => return refuse(&errors),
    };
    match reload::run(data_dir) {
        Ok(text) => print(&text),
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            let is_wrong = matches!(error, ReloadError::Wrong(_));
            ExitCode::from(if is_wrong { WRONG_SETTINGS } else { 1 })
        }
    }
}

fn examine(command: &doctor::Command, loaded: &Result<Loaded, ConfigErrors>) -> ExitCode {
    let examined = doctor::run(command, loaded);
    let printed = print(&examined.text);
    if examined.is_sound { printed } else { ExitCode::FAILURE }
}

/// Prints what was done, or why not.
fn told(done: Result<String, impl Display>) -> ExitCode {
    match done {
        Ok(text) => print(&text),
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn seed(command: &seed::Command, settings: &Settings) -> ExitCode {
    match seed::run(command, settings) {
        Ok(done) => {
            let printed = print(&done.text);
            if printed == ExitCode::SUCCESS { done.code } else { printed }
        }
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            ExitCode::from(if error.is_of_arguments() { WRONG_SETTINGS } else { 1 })
        }
    }
}

fn move_store(settings: &Settings) -> ExitCode {
    match moving::run(settings) {
        Ok(done) => {
            let printed = print(&done.text);
            if printed == ExitCode::SUCCESS { done.code } else { printed }
        }
        Err(error) => {
            complain(&format!("trailkeep: {error}\n"));
            ExitCode::from(if error.is_of_arguments() { WRONG_SETTINGS } else { 1 })
        }
    }
}

/// A backup that may lack something ends like a failed command: whoever goes by the exit code
/// keeps the older ones.
fn back_up(command: &backup::Command, settings: &Settings) -> ExitCode {
    let lack = match backup::run(command, settings) {
        Ok(done) => {
            let printed = print(&done.text);
            let Some(lack) = done.lack else { return printed };
            lack.to_string()
        }
        Err(error) => error.to_string(),
    };
    complain(&format!("trailkeep: {lack}\n"));
    ExitCode::FAILURE
}

fn handle_letters(command: dead_letters::Command, settings: &Settings) -> ExitCode {
    let failed = |error: dead_letters::LettersError| {
        complain(&format!("trailkeep: {error}\n"));
        ExitCode::FAILURE
    };
    let done = match dead_letters::run(command, settings) {
        Ok(done) => done,
        Err(error) => return failed(error),
    };
    let printed = print(&done.text);
    match done.error {
        Some(error) => failed(error),
        None if done.left > 0 => ExitCode::from(SOME_LEFT),
        None => printed,
    }
}

fn refuse(errors: &ConfigErrors) -> ExitCode {
    let lines: String = errors.iter().map(|error| format!("  {error}\n")).collect();
    complain(&format!("trailkeep: cannot start with these settings:\n{lines}"));
    ExitCode::from(WRONG_SETTINGS)
}

/// The settings as TOML that `--config` takes, but for masked secrets.
fn listing(entries: &[Entry]) -> String {
    let mut text = String::new();
    let mut open_section = "";
    for entry in entries {
        let (section, key) = entry.path.rsplit_once('.').unwrap_or(("", &entry.path));
        if section != open_section {
            let gap = if open_section.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}[{section}]\n"));
            open_section = section;
        }
        let end = if entry.is_reloadable { "; reloadable" } else { "" };
        text.push_str(&format!("{key} = {} # {}{end}\n", entry.value, entry.origin));
    }
    text
}
