//! The parts of a service, made from its settings.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_event::{MAX_FUTURE_MS, Rules, TypeRule};

use super::error::StartError;
use super::ingestion::Ingestion;
use super::stores::{Stores, payload_keys};
use super::{access, memory};
use crate::access::audit::AuditWriter;
use crate::access::write_keys::Rule;
use crate::config::{AllowedOrigins, Settings};
use crate::dead_letters::DeadLetters;
use crate::http::budget::Budget;
use crate::http::{self, Service};
use crate::journeys::linked::Links;
use crate::journeys::profile::Profiles;
use crate::journeys::{AccountEvents, Journeys};
use crate::live::{self, Live};
use crate::monitoring::history::{History, Sample};
use crate::monitoring::refusals::Refusals;
use crate::people::search::{Payloads, Search};
use crate::summaries::{self, Summaries};

/// Everything that requests are answered with, and what writes the audit trail.
pub fn service(
    settings: &Settings,
    stores: &Stores,
    ingestion: &Ingestion,
    stop: &CancellationToken,
) -> Result<(Service, AuditWriter), StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let journeys = || Journeys::new(Arc::clone(&stores.events), Arc::clone(&ingestion.ingest));
    let (access, audit_writer) = access::access(settings, stores, &clock)?;
    let lacks_write_keys = access.write_keys.rule() == Rule::Unknown;
    ingestion.health.lacks_write_keys(lacks_write_keys);
    let http = &settings.http;
    let service = Service {
        journeys: journeys(),
        links: links(stores, ingestion),
        live: Live::new(live::Parts {
            ingest: Arc::clone(&ingestion.ingest),
            store: Arc::clone(&stores.events),
            links: links(stores, ingestion),
            clock: Arc::clone(&clock),
            statistics: Arc::clone(&ingestion.statistics),
            max_streams: settings.live.max_streams,
            stop: stop.clone(),
        }),
        profiles: Profiles::new(journeys(), Arc::clone(&stores.activity), Arc::clone(&clock)),
        search: search(settings, stores),
        account_events: AccountEvents::new(Arc::clone(&stores.accounts), journeys()),
        summaries: summaries(settings, stores, &clock),
        ingest: Arc::clone(&ingestion.ingest),
        dead_letters: Arc::new(DeadLetters::new(
            Arc::clone(&stores.events),
            Arc::clone(&stores.letters),
            Arc::clone(&stores.processing),
            Arc::clone(&clock),
        )),
        processing: Arc::clone(&ingestion.processing),
        health: Arc::clone(&ingestion.health),
        access: Arc::new(access),
        bodies: Budget::new(memory::bodies(settings)),
        statistics: Arc::clone(&ingestion.statistics),
        refusals: Refusals::default(),
        history: Arc::new(History::new(clock.now(), Sample::of(&ingestion.statistics))),
        rules: rules(settings),
        clock,
        started: std::time::Instant::now(),
        options: http::Options {
            max_body_bytes: http.max_body_bytes,
            body_timeout: http.receive_timeout,
            wait_timeout: http.wait_timeout,
            allowed_origins: match &http.allowed_origins {
                AllowedOrigins::Any => None,
                AllowedOrigins::Listed(list) => Some(list.clone()),
            },
            session: access::session_options(settings),
            api_docs: http.api_docs,
        },
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

/// What events must keep to.
fn rules(settings: &Settings) -> Rules {
    let events = &settings.events;
    Rules {
        types: TypeRule::listed(&events.types),
        default_user: events.default_user.as_deref().map(Into::into),
        max_events: events.max_per_request,
        payload: PayloadLimits {
            max_bytes: events.max_payload_bytes,
            max_depth: PayloadLimits::MAX_DEPTH,
        },
        max_future_ms: MAX_FUTURE_MS,
    }
}
