//! The parts of a service, made from its settings.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use trailkeep_event::time::{Clock, SystemClock};

use super::error::StartError;
use super::ingestion::Ingestion;
use super::reload::{self, Configured, Reloader};
use super::stores::{Stores, payload_keys, retention};
use super::{access, memory};
use crate::access::audit::AuditWriter;
use crate::access::write_keys::Rule;
use crate::config::Settings;
use crate::dead_letters::DeadLetters;
use crate::http::budget::Budget;
use crate::http::terms::InForce;
use crate::http::{self, Service};
use crate::journeys::linked::Links;
use crate::journeys::profile::Profiles;
use crate::journeys::{AccountEvents, Journeys};
use crate::live::{self, Live};
use crate::monitoring::history::{History, Sample};
use crate::monitoring::refusals::Refusals;
use crate::people::search::{Payloads, Search};
use crate::privacy::erase::Erasing;
use crate::privacy::export::Sources;
use crate::summaries::{self, Summaries};

/// Everything that requests are answered with, and what writes the audit trail.
pub fn service(
    configured: Configured,
    stores: &Stores,
    ingestion: &Ingestion,
    stop: &CancellationToken,
) -> Result<(Service, AuditWriter), StartError> {
    let Configured { loaded, read, level } = configured;
    let settings = &loaded.settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let journeys = || Journeys::new(Arc::clone(&stores.events), Arc::clone(&ingestion.ingest));
    let (access, audit_writer) = access::access(settings, stores, &clock)?;
    let access = Arc::new(access);
    let terms = reload::terms(settings, None);
    let lacks_write_keys = access.write_keys.rule(&terms.write_keys) == Rule::Unknown;
    ingestion.health.lacks_write_keys(lacks_write_keys);
    let in_force = Arc::new(InForce::new(terms));
    let bodies = Budget::new(memory::bodies(settings));
    let service = Service {
        journeys: journeys(),
        links: links(stores, ingestion),
        live: Live::new(live::Parts {
            ingest: Arc::clone(&ingestion.ingest),
            store: Arc::clone(&stores.events),
            links: links(stores, ingestion),
            clock: Arc::clone(&clock),
            statistics: Arc::clone(&ingestion.statistics),
            stop: stop.clone(),
        }),
        profiles: Profiles::new(journeys(), Arc::clone(&stores.activity), Arc::clone(&clock)),
        exports: Arc::new(Sources {
            journeys: journeys(),
            links: links(stores, ingestion),
            letters: Arc::clone(&stores.letters),
            processing: Arc::clone(&stores.processing),
            access: Arc::clone(&stores.access),
            clock: Arc::clone(&clock),
        }),
        erasing: Erasing::new(
            Arc::clone(&stores.erasures),
            links(stores, ingestion),
            Arc::clone(&ingestion.ingest),
            Arc::clone(&clock),
            Arc::clone(&ingestion.watched),
        ),
        search: search(settings, stores),
        account_events: AccountEvents::new(Arc::clone(&stores.accounts), journeys()),
        summaries: summaries(settings, stores, &clock),
        ingest: Arc::clone(&ingestion.ingest),
        dead_letters: Arc::new(DeadLetters::new(
            Arc::clone(&stores.events),
            Arc::clone(&stores.letters),
            Arc::clone(&stores.processing),
            Arc::clone(&clock),
            Arc::clone(ingestion.ingest.erased()),
        )),
        processing: Arc::clone(&ingestion.processing),
        health: Arc::clone(&ingestion.health),
        access: Arc::clone(&access),
        bodies: bodies.clone(),
        statistics: Arc::clone(&ingestion.statistics),
        refusals: Refusals::default(),
        history: Arc::new(History::new(clock.now(), Sample::of(&ingestion.statistics))),
        in_force: Arc::clone(&in_force),
        clock,
        started: std::time::Instant::now(),
        options: http::Options {
            session: access::session_options(settings),
            api_docs: settings.http.api_docs,
            tracker_path: settings.http.tracker_path.clone(),
            retention: retention(settings),
        },
        reload: Arc::new(Reloader::new(reload::Parts {
            read,
            level,
            in_force,
            bodies,
            access,
            loaded: Mutex::new(loaded),
        })),
    };
    Ok((service, audit_writer))
}

fn search(settings: &Settings, stores: &Stores) -> Search {
    let payloads = Payloads::new(Arc::clone(&stores.payloads), payload_keys(settings));
    Search::new(Arc::clone(&stores.people), Arc::clone(&stores.accounts), payloads)
}

fn links(stores: &Stores, ingestion: &Ingestion) -> Links {
    Links::new(Arc::clone(&stores.people), Arc::clone(&ingestion.ingest))
}

fn summaries(settings: &Settings, stores: &Stores, clock: &Arc<dyn Clock>) -> Arc<Summaries> {
    let limits = summaries::SummaryLimits::with_fresh(settings.accounts.fresh);
    Summaries::new(Arc::clone(&stores.accounts), Arc::clone(clock), limits)
}
