//! Puts together who may do what, and keeps it tidy in the background.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::access::{AccessStore, TrailAges};

use super::error::StartError;
use super::stores::Stores;
use crate::access::Access;
use crate::access::accounts::StaffAccounts;
use crate::access::audit::{self, AuditWriter};
use crate::access::open_sessions::OpenSessions;
use crate::access::password::{HashCost, Passwords};
use crate::access::remembered::Remembered;
use crate::access::sessions::Sessions;
use crate::access::sign_in_links::SignInLinks;
use crate::access::team::Team;
use crate::access::tokens::Tokens;
use crate::access::write_keys::{Rule, WriteKeys};
use crate::config::{self, SecureCookie, Settings};
use crate::http::terms::InForce;
use crate::http::{Service, SessionOptions};
use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;

/// How often what has ended is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether write keys have come or gone: a change is in force on all
/// instances within twice that, and what a look takes.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The same until they are known: nothing is taken before.
const FIRST_LOOKS_EVERY: Duration = Duration::from_millis(200);
/// How long a stop waits for the audit trail to be written.
const AUDIT_GRACE: Duration = Duration::from_secs(2);

/// Who may do what, and what writes the audit trail.
pub(super) fn access(
    settings: &Settings,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> Result<(Access, AuditWriter), StartError> {
    let store = Arc::clone(&stores.access);
    let (audit, writer) = audit::trail(Arc::clone(&store), Arc::clone(clock));
    let rules = &settings.access;
    let access = Access {
        accounts: Arc::new(accounts(rules, Arc::clone(&store), clock)?),
        sessions: Sessions::new(Arc::clone(&store), Arc::clone(clock), rules.session_lifetime),
        open_sessions: OpenSessions::new(Arc::clone(&store), Arc::clone(clock)),
        sign_in_links: SignInLinks::new(Arc::clone(clock)),
        tokens: Tokens::new(store, Arc::clone(clock)),
        remembered: Remembered::default(),
        audit,
        write_keys: Arc::new(write_keys(settings, stores, clock)),
        team: Team::new(Arc::clone(&stores.team), Arc::clone(clock)),
    };
    Ok((access, writer))
}

/// The staff alone: what the shell works with.
pub(crate) fn accounts(
    rules: &config::Access,
    store: Arc<dyn AccessStore>,
    clock: &Arc<dyn Clock>,
) -> Result<StaffAccounts, StartError> {
    let passwords = Passwords::new(&HashCost::IN_FORCE)
        .map_err(|error| StartError::System(error.to_string()))?;
    Ok(StaffAccounts::new(store, Arc::clone(clock), passwords, rules.open_sign_up))
}

/// The write keys of the store, as the data folder has them, where there is one.
pub(crate) fn write_keys(
    settings: &Settings,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> WriteKeys {
    let folder = &settings.store.data_dir;
    WriteKeys::new(
        Arc::clone(&stores.write_keys),
        Arc::clone(clock),
        folder.is_dir().then(|| folder.clone()),
    )
}

/// Has the data folder hold the write keys of the embedded store, which is there already: so
/// that they are known from the first event on.
pub(super) async fn keep_write_keys(settings: &Settings, stores: &Stores) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if settings.store.mongodb_uri.is_none()
        && let Err(error) = write_keys(settings, stores, &clock).look().await
    {
        warn!(%error, "the write keys cannot be read yet");
    }
}

/// How sessions are kept by clients.
pub(super) fn session_options(settings: &Settings) -> SessionOptions {
    SessionOptions {
        is_secure: match settings.access.secure_cookie {
            SecureCookie::Auto => !settings.http.is_loopback(),
            SecureCookie::Always => true,
            SecureCookie::Never => false,
        },
        lifetime: settings.access.session_lifetime,
    }
}

/// What runs behind the requests.
pub(super) struct Tasks {
    writer: Option<JoinHandle<()>>,
    sweeper: JoinHandle<()>,
    looker: JoinHandle<()>,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts writing the audit trail, removing what has ended, and looking for write keys.
    pub(super) fn start(service: &Service, writer: AuditWriter, stores: &Stores) -> Self {
        let stop = CancellationToken::new();
        let (in_force, clock) = (Arc::clone(&service.in_force), Arc::clone(&service.clock));
        Self {
            writer: Some(tokio::spawn(writer.run(stop.clone(), AUDIT_GRACE))),
            sweeper: tokio::spawn(sweep(
                in_force,
                stores.clone(),
                clock,
                service.health.prepared(),
            )),
            looker: tokio::spawn(look_for_write_keys(
                Arc::clone(&service.access.write_keys),
                Arc::clone(&service.in_force),
                Arc::clone(&service.health),
                Arc::clone(&service.statistics),
            )),
            stop,
        }
    }

    /// Waits until one of them ends, which none does before [`stop`](Self::stop).
    pub(super) async fn ended(&mut self) {
        let writer = async {
            match &mut self.writer {
                Some(writer) => drop(writer.await),
                None => pending().await,
            }
        };
        tokio::select! {
            () = writer => {}
            _ = &mut self.sweeper => {}
            _ = &mut self.looker => {}
        }
    }

    /// Writes what is left of the audit trail, and ends.
    pub(super) async fn stop(mut self) {
        self.sweeper.abort();
        self.looker.abort();
        self.stop.cancel();
        if let Some(writer) = self.writer.take().filter(|writer| !writer.is_finished()) {
            let _ = writer.await;
        }
    }
}

async fn sweep(
    in_force: Arc<InForce>,
    stores: Stores,
    clock: Arc<dyn Clock>,
    mut prepared: watch::Receiver<bool>,
) {
    // Of a database that is being moved into, all is still compared with what was moved.
    if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
        return;
    }
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let terms = in_force.terms();
        terms.limits.shrink();
        let now = clock.now();
        let since = |kept: Duration| {
            let millis = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
            now.plus_millis(-millis)
        };
        let ages = TrailAges {
            entries_since: terms.audit_retention.map(since),
            addresses_since: terms.audit_address_retention.map(since),
        };
        let (ended, forgotten) =
            tokio::join!(stores.access.sweep(now, ages), stores.people.sweep(now));
        for error in [ended, forgotten].into_iter().filter_map(Result::err) {
            warn!(%error, "what has ended cannot be removed now");
        }
    }
}

async fn look_for_write_keys(
    keys: Arc<WriteKeys>,
    in_force: Arc<InForce>,
    health: Arc<Health>,
    statistics: Arc<Statistics>,
) {
    loop {
        let looked = keys.look().await;
        let of_settings = &in_force.terms().write_keys;
        keys.tell_rule(of_settings);
        let is_unknown = keys.rule(of_settings) == Rule::Unknown;
        health.lacks_write_keys(is_unknown);
        let count = of_settings.names().len() + keys.count();
        statistics.write_keys.set(i64::try_from(count).unwrap_or(i64::MAX));
        match looked {
            Ok(()) => keys.note_uses().await,
            Err(error) => debug!(%error, "whether write keys have come or gone cannot be told now"),
        }
        sleep(if is_unknown { FIRST_LOOKS_EVERY } else { LOOK_EVERY }).await;
    }
}
