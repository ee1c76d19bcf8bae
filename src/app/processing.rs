//! Processors, made from the settings.

use std::sync::Arc;

use trailkeep_event::Arrival;
use trailkeep_event::time::{Clock, SystemClock};

use super::error::StartError;
use super::stores::Stores;
use crate::config::{Processor, Settings};
use crate::ingest::feeding::{OwnProcessor, Registry};
use crate::monitoring::statistics::Statistics;
use crate::processing::client::ClientSettings;
use crate::processing::delivery::FormSettings;
use crate::processing::signature::Secret;
use crate::processing::{AttemptRules, Processing, ProcessorSettings};

/// Who is delivered for.
pub fn of(
    settings: &Settings,
    stores: &Stores,
    statistics: &Statistics,
) -> Result<Processing, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let processors = settings.processors.iter();
    let processors = processors.map(|(name, processor)| of_one(name, processor)).collect();
    let has_retention = settings.store.retention.is_some();
    Processing::new(processors, &stores.processing, has_retention, &clock, &statistics.registry)
        .map_err(|error| StartError::Processing(error.to_string()))
}

/// Who is fed for, where nobody knew them before: what is numbered from `since` on.
pub fn registry(settings: &Settings, since: Arrival) -> Registry {
    let own = settings.processors.iter().map(|(name, processor)| OwnProcessor {
        name: name.as_str().into(),
        types: types(processor),
    });
    Registry { own: own.collect(), since, now: SystemClock.now() }
}

fn of_one(name: &str, processor: &Processor) -> ProcessorSettings {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let fields = &processor.fields;
    ProcessorSettings {
        name: name.into(),
        client: ClientSettings {
            url: processor.url.expose().to_string(),
            timeout: processor.timeout,
            concurrency: processor.concurrency,
            authorities: None,
        },
        form: FormSettings {
            user_field: fields.user.clone(),
            payload_field: fields.payload.clone(),
            time_field: fields.time.clone(),
            headers: processor.headers.iter().map(header).collect(),
            secrets: secrets(processor),
        },
        attempts: AttemptRules {
            max_attempts: processor.max_attempts,
            backoff_min: processor.backoff_min,
            backoff_max: processor.backoff_max,
        },
    }
}

/// The settings let none in that cannot be used.
fn secrets(processor: &Processor) -> Vec<Secret> {
    processor.secrets.iter().filter_map(|secret| Secret::of(secret.expose()).ok()).collect()
}

fn types(processor: &Processor) -> Vec<Box<str>> {
    processor.types.iter().map(|kind| kind.as_str().into()).collect()
}
