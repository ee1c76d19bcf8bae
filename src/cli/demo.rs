//! `trailkeep demo`: a shop that is worth looking at, in a folder of its own.
//!
//! It is the service as it is, with sample events in it, an account, and a link that
//! signs in. Visitors go on visiting while it runs.

mod story;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tokio::time::sleep;
use trailkeep_event::{Event, Timestamp};
use trailkeep_store::access::Role;
use uuid::Uuid;

use super::flags::Flags;
use super::seed;
use super::serve::serve_and;
use super::terminal::complain;
use crate::access::accounts::{NewStaff, StaffAccounts};
use crate::access::{AccessError, password};
use crate::app::Running;
use crate::config::{Loaded, Overrides};
use crate::ingest::Ingest;
use crate::seed::{Now, Plan};

/// Where the demo lives, unless told otherwise.
const FOLDER: &str = "trailkeep-demo";

/// Whose account it is.
const EMAIL: &str = "demo@example.com";

/// Between two events of visitors: a few a second would be more than one reads.
const PACE_MS: std::ops::Range<u64> = 400..3_000;

/// The pause before another try where the store is not ready yet.
const PAUSE: Duration = Duration::from_millis(100);

const AFTER_HELP: &str = "\
The first start writes sample events into ./trailkeep-demo (or the folder that
--data-dir names), the others go on with them. Nothing else is touched: remove the
folder and the demo is gone. It always keeps its data there, and in no MongoDB.";

/// What is to be shown.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Command {
    /// Events that the first start writes
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    events: u64,
    #[command(flatten)]
    pub(super) flags: Flags,
}

impl Command {
    /// The demo's own settings, with those that were typed above them.
    pub(super) fn add_to(&self, overrides: Overrides) -> Overrides {
        let overrides =
            overrides.flag("demo", "store.data_dir", FOLDER).flag("demo", "log.level", "warn");
        let overrides = self.flags.add_to(overrides);
        overrides.flag("demo", "store.mongodb_uri", "")
    }
}

/// Writes what is missing, and serves until a signal ends it.
pub(super) fn run(command: &Command, loaded: Loaded, overrides: Overrides) -> ExitCode {
    let settings = &loaded.settings;
    let is_new = !settings.store.data_dir.exists();
    if is_new {
        complain("trailkeep: writing the events of a shop, once\n");
        match seed::fill(command.events, settings) {
            Ok(code) if code != ExitCode::SUCCESS => return code,
            Ok(_) => {}
            Err(error) => {
                complain(&format!("trailkeep: {error}\n"));
                return ExitCode::FAILURE;
            }
        }
    }
    let plan = seed::usual_plan(command.events, Timestamp::now());
    serve_and(loaded, overrides, move |running| {
        tokio::spawn(show(running, plan, is_new));
    })
}

/// Lets somebody in, and has visitors visit.
async fn show(running: Running, plan: Plan, is_new: bool) {
    let Running { access, ingest, url } = running;
    let account = loop {
        match account(&access.accounts).await {
            Ok(id) => break id,
            Err(AccessError::Store(_)) => sleep(PAUSE).await,
            Err(error) => {
                complain(&format!("trailkeep: the demo has no account: {error}\n"));
                return;
            }
        }
    };
    let code = access.sign_in_links.make(account);
    complain(&format!(
        "\n  The demo runs. Open this, which signs you in once, within ten minutes:\n\n    \
         {url}/console/enter?code={code}\n\n  Find \"mara\", or watch what comes live. \
         Ctrl-C ends it.\n\n"
    ));
    if is_new {
        take(&ingest, story::of_mara(Timestamp::now())).await;
    }
    let mut now = Now::new(&plan);
    loop {
        let pause = rand::rng().random_range(PACE_MS);
        sleep(Duration::from_millis(pause)).await;
        let at = Timestamp::now();
        take(&ingest, vec![now.next(at).to_event(at)]).await;
    }
}

/// The account of the demo, which is made if there is none.
async fn account(accounts: &StaffAccounts) -> Result<Uuid, AccessError> {
    if let Some(account) = accounts.with_address(EMAIL).await? {
        return Ok(account.id);
    }
    let new = NewStaff {
        email: EMAIL.to_owned(),
        name: "Dana Kerr".to_owned(),
        password: password::generate(),
    };
    Ok(accounts.create(new, Role::Admin).await?.id)
}

/// Events of a demo that find no room are no loss.
async fn take(ingest: &Arc<Ingest>, events: Vec<Event>) {
    let _ = ingest.admit(events, ingest.patience(), None).await;
}
