//! Puts together who may do what, and keeps it tidy in the background.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::access::AccessStore;

use super::error::StartError;
use super::stores::Stores;
use crate::access::Access;
use crate::access::accounts::StaffAccounts;
use crate::access::audit::{self, AuditWriter};
use crate::access::client::Proxies;
use crate::access::limits::{ATTEMPTS_WINDOW, Attempts, Limit, RateLimits, WRONG_SET_UP_CODES};
use crate::access::open_sessions::OpenSessions;
use crate::access::password::{HashCost, Passwords};
use crate::access::remembered::Remembered;
use crate::access::sessions::Sessions;
use crate::access::sign_in_links::SignInLinks;
use crate::access::team::Team;
use crate::access::tokens::Tokens;
use crate::access::write_keys::{Rule, WriteKeys};
use crate::config::{self, SecureCookie, Settings};
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
        proxies: Proxies::new(rules.trusted_proxies.clone()),
        limits: limits(rules),
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

/// The write keys of the settings, and those that the data folder has, where there is one.
pub(crate) fn write_keys(
    settings: &Settings,
    stores: &Stores,
    clock: &Arc<dyn Clock>,
) -> WriteKeys {
    let keys = settings.access.write_keys.iter();
    let folder = &settings.store.data_dir;
    WriteKeys::new(
        keys.map(|key| (key.name.as_str(), key.expose())),
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

fn limits(rules: &config::Access) -> RateLimits {
    let attempts = || Attempts {
        by_email: Limit::new(whole(rules.attempts_per_address), ATTEMPTS_WINDOW),
        by_client: Limit::new(whole(rules.attempts_per_client), ATTEMPTS_WINDOW),
    };
    let a_second = |requests| Limit::new(whole(requests), Duration::from_secs(1));
    RateLimits {
        sign_in: attempts(),
        at_known_places: Limit::new(whole(rules.attempts_per_address), ATTEMPTS_WINDOW),
        sign_up: attempts(),
        wrong_set_up_codes: Limit::new(WRONG_SET_UP_CODES, ATTEMPTS_WINDOW),
        events_by_client: a_second(rules.events_per_client),
        events_by_key: a_second(rules.events_per_key),
    }
}

/// The settings' own limits are far lower.
fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
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
    pub(super) fn start(
        service: &Service,
        writer: AuditWriter,
        stores: &Stores,
        audit_retention: Option<Duration>,
    ) -> Self {
        let stop = CancellationToken::new();
        let (access, clock) = (Arc::clone(&service.access), Arc::clone(&service.clock));
        Self {
            writer: Some(tokio::spawn(writer.run(stop.clone(), AUDIT_GRACE))),
            sweeper: tokio::spawn(sweep(access, stores.clone(), clock, audit_retention)),
            looker: tokio::spawn(look_for_write_keys(
                Arc::clone(&service.access.write_keys),
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
    access: Arc<Access>,
    stores: Stores,
    clock: Arc<dyn Clock>,
    audit_retention: Option<Duration>,
) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once, when the store may not be prepared yet.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        access.limits.shrink();
        let now = clock.now();
        let audit_since = audit_retention.map(|kept| {
            let millis = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
            now.plus_millis(-millis)
        });
        let (ended, forgotten) =
            tokio::join!(stores.access.sweep(now, audit_since), stores.people.sweep(now));
        for error in [ended, forgotten].into_iter().filter_map(Result::err) {
            warn!(%error, "what has ended cannot be removed now");
        }
    }
}

async fn look_for_write_keys(
    keys: Arc<WriteKeys>,
    health: Arc<Health>,
    statistics: Arc<Statistics>,
) {
    loop {
        let looked = keys.look().await;
        let is_unknown = keys.rule() == Rule::Unknown;
        health.lacks_write_keys(is_unknown);
        statistics.write_keys.set(i64::try_from(keys.count()).unwrap_or(i64::MAX));
        match looked {
            Ok(()) => keys.note_uses().await,
            Err(error) => debug!(%error, "whether write keys have come or gone cannot be told now"),
        }
        sleep(if is_unknown { FIRST_LOOKS_EVERY } else { LOOK_EVERY }).await;
    }
}
