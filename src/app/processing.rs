//! Processors, made from the settings.

use std::sync::Arc;

use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_event::{Arrival, Timestamp};

use super::error::StartError;
use super::stores::{Stores, retention};
use crate::config::{From, Processor, Settings};
use crate::ingest::erased::Erased;
use crate::ingest::feeding::{Before, OwnProcessor, Registry};
use crate::monitoring::statistics::Statistics;
use crate::processing::client::ClientSettings;
use crate::processing::delivery::FormSettings;
use crate::processing::orders::Order;
use crate::processing::signature::Secret;
use crate::processing::{AttemptRules, Processing, ProcessorSettings};

/// Who is delivered for.
pub fn of(
    settings: &Settings,
    stores: &Stores,
    statistics: &Statistics,
    erased: &Arc<Erased>,
) -> Result<Processing, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let processors = settings.processors.iter();
    let processors =
        processors.map(|(name, processor)| of_one(name, processor)).collect::<Result<_, _>>()?;
    let retention = retention(settings).shortest();
    let registry = &statistics.registry;
    Processing::new(processors, &stores.processing, retention, &clock, registry, erased)
        .map_err(|error| StartError::Processing(error.to_string()))
}

/// Who is fed for, where nobody knew them before: what is numbered from `since` on.
pub fn registry(settings: &Settings, since: Arrival) -> Registry {
    let own = settings.processors.iter().map(|(name, processor)| OwnProcessor {
        name: name.as_str().into(),
        types: types(processor),
        before: before(processor),
    });
    Registry { own: own.collect(), since, now: SystemClock.now() }
}

/// What of the past a new processor wants.
fn before(processor: &Processor) -> Option<Before> {
    let since = match processor.from {
        From::Now => return None,
        From::Beginning => Arrival::from_i64(i64::MIN),
        From::Moment(moment) => {
            Arrival::first_at(Timestamp::from_millis_clamped(moment.timestamp_millis()))
        }
    };
    let order = Order::Backfill { from: since.as_i64() };
    Some(Before { since, order: serde_json::to_string(&order).ok()?.into() })
}

fn of_one(name: &str, processor: &Processor) -> Result<ProcessorSettings, StartError> {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let fields = &processor.fields;
    Ok(ProcessorSettings {
        name: name.into(),
        client: ClientSettings {
            url: processor.url.expose().to_string(),
            timeout: processor.timeout,
            concurrency: processor.concurrency,
            authorities: authorities(processor)?,
        },
        form: FormSettings {
            user_field: fields.user.clone(),
            payload_field: fields.payload.clone(),
            time_field: fields.time.clone(),
            headers: processor.headers.iter().map(header).collect(),
            secrets: secrets(processor),
        },
        types: types(processor),
        attempts: AttemptRules {
            max_attempts: processor.max_attempts,
            backoff_min: processor.backoff_min,
            backoff_max: processor.backoff_max,
        },
        holds: processor.holds,
        rate_per_second: processor.rate_per_second,
    })
}

fn authorities(processor: &Processor) -> Result<Option<String>, StartError> {
    let Some(path) = &processor.authorities_file else { return Ok(None) };
    std::fs::read_to_string(path).map(Some).map_err(|error| {
        let path = path.display();
        StartError::Processing(format!("the file {path} of certificates cannot be read: {error}"))
    })
}

/// The settings let none in that cannot be used.
fn secrets(processor: &Processor) -> Vec<Secret> {
    processor.secrets.iter().filter_map(|secret| Secret::of(secret.expose()).ok()).collect()
}

fn types(processor: &Processor) -> Vec<Box<str>> {
    processor.types.iter().map(|kind| kind.as_str().into()).collect()
}
