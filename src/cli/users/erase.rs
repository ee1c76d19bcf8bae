//! A user erased from the shell: what would go, the id once more, and then the receipt, which
//! is looked at until it is final.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::UsersError;
use crate::cli::control::Control;
use crate::cli::flags::Flags;
use crate::console::links::segment;

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// After so long it is said whom an erasure waits for.
const PATIENCE: Duration = Duration::from_secs(10);

const BAR: &str = "{wide_bar} {human_pos} of {human_len} events";

/// Erases a user.
#[derive(Args)]
pub struct Erase {
    /// Whose
    #[arg(value_name = "ID")]
    user_id: String,
    /// The id once more, so that nobody is erased by mistake. On a terminal it is asked for
    #[arg(long, value_name = "ID")]
    confirm: Option<String>,
    /// Erase this id alone, and not what is linked to it
    #[arg(long)]
    alone: bool,
    /// Leave out what is posted of these ids from now on
    #[arg(long)]
    block: bool,
    /// Print what would go, and erase nobody
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until it is verified
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    ids: Vec<String>,
    more: bool,
    events: u64,
    more_events: bool,
    backlog: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    erasure_id: Uuid,
    more: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    erasure_id: Uuid,
    state: String,
    requested_at: String,
    verified_at: Option<String>,
    places: Vec<Place>,
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Place {
    place: String,
    deleted: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    id: String,
    state: String,
    verified_at: Option<String>,
    last_seen: Option<String>,
}

impl Erase {
    /// Does it, and answers what is to be printed.
    pub async fn run(self, control: &Control) -> Result<String, UsersError> {
        let path = format!("/users/{}", segment(&self.user_id));
        let body = json!({ "linked": !self.alone, "block": self.block });
        let planned: Planned = control.delete_with(&format!("{path}?dryRun=true"), &body).await?;
        let told = planned.told();
        if self.dry_run {
            return Ok(told);
        }
        self.confirm(&told)?;
        let body = json!({
            "linked": !self.alone, "block": self.block, "confirm": self.user_id
        });
        let asked: Asked = control.delete_with(&path, &body).await?;
        let id = asked.erasure_id;
        let mut told = if self.no_wait {
            format!("erasure {id} is under way: trailkeep users receipt {id}\n")
        } else {
            wait(control, id, planned.events).await?.told()
        };
        if asked.more {
            told += "More ids are linked to this user than one erasure takes: erase it again.\n";
        }
        Ok(told)
    }

    fn confirm(&self, told: &str) -> Result<(), UsersError> {
        let typed = match &self.confirm {
            Some(id) => id.clone(),
            None if io::stdin().is_terminal() => {
                eprint!("{told}This cannot be undone. Type the id to erase all of it: ");
                io::stderr().flush().map_err(UsersError::Terminal)?;
                let mut line = String::new();
                io::stdin().read_line(&mut line).map_err(UsersError::Terminal)?;
                line.trim_end_matches(['\n', '\r']).to_owned()
            }
            None => String::new(),
        };
        if typed == self.user_id {
            return Ok(());
        }
        Err(UsersError::NotConfirmed(self.user_id.clone()))
    }
}

/// Looks at a receipt until it is final. Whoever stops waiting stops nothing.
async fn wait(control: &Control, id: Uuid, events: u64) -> Result<Receipt, UsersError> {
    let style = ProgressStyle::with_template(BAR);
    let bar = ProgressBar::new(events);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (begun, mut told) = (Instant::now(), HashSet::new());
    loop {
        let receipt: Receipt = control.get(&format!("/api/erasures/{id}")).await?;
        let gone = receipt.places.iter().find(|place| place.place == "events");
        let gone = gone.map_or(0, |place| place.deleted);
        bar.set_length(events.max(gone));
        bar.set_position(gone);
        if receipt.state == "done" {
            bar.finish_and_clear();
            return Ok(receipt);
        }
        let late = receipt.waits_for().filter(|_| begun.elapsed() >= PATIENCE);
        for id in late.filter(|id| told.insert((*id).to_owned())) {
            bar.suspend(|| {
                eprintln!(
                    "trailkeep: instance {id} is waited for; it does its part once it runs. Where \
                     its data folder is lost: trailkeep users lost {id}"
                );
            });
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How far an erasure is.
pub async fn receipt(control: &Control, id: Uuid) -> Result<String, UsersError> {
    let receipt: Receipt = control.get(&format!("/api/erasures/{id}")).await?;
    Ok(receipt.told())
}

/// Gives an instance up.
pub async fn lose(control: &Control, id: Uuid) -> Result<String, UsersError> {
    let _: Value = control.delete(&format!("/api/instances/{id}")).await?;
    Ok("no erasure waits for this instance; should it come back, it does its part first\n"
        .to_owned())
}

/// Ends a block.
pub async fn unblock(control: &Control, user_id: &str) -> Result<String, UsersError> {
    let path = format!("/users/{}/block", segment(user_id));
    let _: Value = control.delete(&path).await?;
    Ok("what is posted of this id is kept again\n".to_owned())
}

impl Planned {
    fn told(&self) -> String {
        let ids = self.ids.join(", ");
        let more = if self.more { " and more" } else { "" };
        let events = HumanCount(self.events);
        let at_least = if self.more_events { "at least " } else { "" };
        let waiting = HumanCount(self.backlog);
        format!("ids: {ids}{more}\nevents: {at_least}{events} stored, {waiting} waiting\n")
    }
}

impl Receipt {
    /// Instances that have not done their part, where another has.
    fn waits_for(&self) -> impl Iterator<Item = &str> {
        let is_done = self.instances.iter().any(|instance| instance.state == "done");
        let waiting = self.instances.iter().filter(move |one| is_done && one.state == "waiting");
        waiting.map(|instance| &*instance.id)
    }

    fn told(&self) -> String {
        let mut out = format!("erasure {}, {}\n", self.erasure_id, self.state);
        let _ = writeln!(out, "asked for  {}", self.requested_at);
        if let Some(at) = &self.verified_at {
            let _ = writeln!(out, "verified   {at}");
        }
        for Place { place, deleted } in &self.places {
            let _ = writeln!(out, "{place:<10} {}", HumanCount(*deleted));
        }
        for Instance { id, state, verified_at, last_seen } in &self.instances {
            let at = verified_at.as_ref().or(last_seen.as_ref());
            let at = at.map_or("", String::as_str);
            let _ = writeln!(out, "instance   {id}  {state}  {at}");
        }
        out
    }
}
