//! `trailkeep admin`: accounts from the shell, for the day when nobody can
//! sign in.

mod here;
mod staff;
mod there;

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::Subcommand;
use trailkeep_store::access::Role;

use self::here::Here;
use self::staff::{Account, AdminError, Staff};
use self::there::There;
use super::flags::Flags;
use super::place::{self, Place};
use crate::access::accounts::NewStaff;
use crate::access::password;
use crate::config::Settings;

/// What can be done about accounts from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an account, an administrator's unless another role is named
    Create {
        /// The address to sign in with
        email: String,
        /// How the person is called
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// What the person may do: admin, everything; staff, look at journeys and export them;
        /// support, look at journeys
        #[arg(long, default_value = "admin", value_parser = role)]
        role: Role,
        #[command(flatten)]
        password: PasswordFlags,
        #[command(flatten)]
        flags: Flags,
    },
    /// Set another password for an account, and end its sessions
    ResetPassword {
        /// The account's address
        email: String,
        #[command(flatten)]
        password: PasswordFlags,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print all accounts
    List {
        #[command(flatten)]
        flags: Flags,
    },
}

#[derive(clap::Args)]
pub(super) struct PasswordFlags {
    /// Make up a password and print it. Without this, it is asked for, or read
    /// as one line where standard input is no terminal
    #[arg(long)]
    generate: bool,
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Create { flags, .. }
            | Self::ResetPassword { flags, .. }
            | Self::List { flags } => flags,
        }
    }
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, AdminError> {
    place::work(settings, async |place| match place {
        Place::Service(control) => act(command, &There(control)).await,
        Place::Stores(stores) => act(command, &Here::new(stores, settings)?).await,
    })
}

async fn act(command: Command, staff: &impl Staff) -> Result<String, AdminError> {
    match command {
        Command::List { .. } => Ok(staff.all().await?.iter().map(row).collect()),
        Command::Create { email, name, role, password, .. } => {
            let chosen = password.choose()?;
            let new = NewStaff { email, name, password: chosen.clone() };
            let account = staff.create(new, role).await?;
            Ok(told(&account, "made", password.generate.then_some(&chosen)))
        }
        Command::ResetPassword { email, password, .. } => {
            let chosen = password.choose()?;
            let account = staff.reset_password(&email, chosen.clone()).await?;
            Ok(told(&account, "has another password", password.generate.then_some(&chosen)))
        }
    }
}

fn role(word: &str) -> Result<Role, &'static str> {
    match word {
        "admin" => Ok(Role::Admin),
        "staff" => Ok(Role::Staff),
        "support" => Ok(Role::Support),
        _ => Err("must be admin, staff or support"),
    }
}

fn told(account: &Account, done: &str, made_up: Option<&String>) -> String {
    let mut text = format!("{} {done}: {}\n", account.email, describe(account));
    if let Some(password) = made_up {
        text.push_str(&format!("password, shown this once: {password}\n"));
    }
    text
}

fn row(account: &Account) -> String {
    let Account { email, name, created_at, .. } = account;
    format!("{email}\t{}\t{created_at}\t{name}\n", describe(account))
}

fn describe(account: &Account) -> String {
    let role = match account.role {
        Role::Admin => "administrator",
        Role::Staff => "staff",
        Role::Support => "support",
    };
    let state = if account.is_disabled { ", disabled" } else { "" };
    format!("{role}{state}")
}

impl PasswordFlags {
    fn choose(&self) -> Result<String, AdminError> {
        if self.generate {
            return Ok(password::generate());
        }
        if io::stdin().is_terminal() {
            return ask();
        }
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(AdminError::Terminal)?;
        let password = line.trim_end_matches(['\n', '\r']);
        if password.is_empty() {
            return Err(AdminError::NoPassword);
        }
        Ok(password.to_owned())
    }
}

fn ask() -> Result<String, AdminError> {
    let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(AdminError::Terminal);
    let password = ask("Password: ")?;
    if ask("Again: ")? == password { Ok(password) } else { Err(AdminError::Different) }
}
