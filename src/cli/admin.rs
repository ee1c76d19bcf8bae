//! `trailkeep admin`: accounts from the shell, for the day when nobody can
//! sign in.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::StoreError;
use trailkeep_store::access::{Role, StaffAccount};
use trailkeep_store::embedded::OpenError;

use super::flags::Flags;
use crate::access::AccessError;
use crate::access::accounts::{NewStaff, StaffAccounts};
use crate::access::audit::{Actor, action};
use crate::access::password;
use crate::app::{self, StartError, Stores};
use crate::config::Settings;

/// What can be done about accounts from the shell.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an administrator's account
    Create {
        /// The address to sign in with
        email: String,
        /// How the person is called
        #[arg(long, default_value = "Administrator")]
        name: String,
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

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdminError {
    #[error(
        "{0}. While the service runs, an administrator who is signed in makes accounts with \
         POST /users; to do it from the shell, stop the service for the moment"
    )]
    InUse(StartError),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("no account has this address; `trailkeep admin list` prints all")]
    NoAccount,
    #[error("the password cannot be read: {0}")]
    Terminal(io::Error),
    #[error("there is no password on standard input; pipe one in, or use --generate")]
    NoPassword,
    #[error("the two passwords are not the same")]
    Different,
}

impl From<StartError> for AdminError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Embedded(OpenError::Locked { .. }) => Self::InUse(error),
            error => Self::Start(error),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Access(error.into())
    }
}

/// Does it, and answers what is to be printed.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, AdminError> {
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let work = async {
        let stores = Stores::open(settings).await?;
        let done = act(command, settings, &stores).await;
        let _ = timeout(Duration::from_secs(2), stores.events.close()).await;
        done
    };
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn act(command: Command, settings: &Settings, stores: &Stores) -> Result<String, AdminError> {
    stores.events.prepare().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let accounts = app::access::accounts(&settings.access, Arc::clone(&stores.access), &clock)?;
    let (account, done, action, made_up) = match command {
        Command::List { .. } => return list(&accounts).await,
        Command::Create { email, name, password, .. } => {
            let chosen = password.choose()?;
            let new = NewStaff { email, name, password: chosen.clone() };
            let account = accounts.create(new, Role::Admin).await?;
            let made_up = password.generate.then_some(chosen);
            (account, "made", action::CREATE_ACCOUNT, made_up)
        }
        Command::ResetPassword { email, password, .. } => {
            let chosen = password.choose()?;
            let reset = accounts.reset_password(&email, chosen.clone()).await;
            let account = reset.map_err(|error| match error {
                AccessError::Unknown => AdminError::NoAccount,
                error => error.into(),
            })?;
            let made_up = password.generate.then_some(chosen);
            (account, "has another password", action::RESET_PASSWORD, made_up)
        }
    };
    let entry = Actor::shell().did(action, Some(&account.email), &*clock);
    stores.access.record(&[entry]).await?;
    Ok(told(&account, done, made_up.as_deref()))
}

fn told(account: &StaffAccount, done: &str, made_up: Option<&str>) -> String {
    let mut text = format!("{} {done}: {}\n", account.email, describe(account));
    if let Some(password) = made_up {
        text.push_str(&format!("password, shown this once: {password}\n"));
    }
    text
}

fn describe(account: &StaffAccount) -> String {
    let role = match account.role {
        Role::Admin => "administrator",
        Role::Staff => "staff",
    };
    let state = if account.is_disabled { ", disabled" } else { "" };
    format!("{role}{state}")
}

async fn list(accounts: &StaffAccounts) -> Result<String, AdminError> {
    const PAGE: usize = 500;
    let mut text = String::new();
    let mut after: Option<String> = None;
    loop {
        let page = accounts.list(after.as_deref(), PAGE).await?;
        for account in &page {
            let StaffAccount { email, name, created_at, .. } = account;
            text.push_str(&format!("{email}\t{}\t{created_at}\t{name}\n", describe(account)));
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.email.clone()),
            _ => return Ok(text),
        }
    }
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
