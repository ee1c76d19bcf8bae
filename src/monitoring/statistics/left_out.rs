//! Events that were left out of requests of which others were taken, by dialect and reason.

use std::collections::BTreeMap;

use prometheus::{IntCounterVec, Opts, Registry};
use trailkeep_event::dialect::{LeftOut, posthog, segment};

use crate::monitoring::names;

/// Each dialect has all reasons from the start, so that a graph shows the first.
const DIALECTS: [&str; 2] = [segment::NAME, posthog::NAME];

/// What breaks a rule, what has a payload that is too large, and what nobody wants.
const REASONS: [&str; 3] = ["invalid", "tooLarge", "unwanted"];

/// The counters.
pub struct LeftOutCounts(IntCounterVec);

impl LeftOutCounts {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let (name, help) = names::EVENTS_LEFT_OUT;
        let counter = IntCounterVec::new(Opts::new(name, help), &["dialect", "reason"])?;
        registry.register(Box::new(counter.clone()))?;
        for dialect in DIALECTS {
            for reason in REASONS {
                counter.with_label_values(&[dialect, reason]);
            }
        }
        Ok(Self(counter))
    }

    /// Counts those of one request in this dialect.
    pub fn count(&self, dialect: &'static str, left_out: &LeftOut) {
        let counts = [left_out.invalid, left_out.too_large, left_out.unwanted];
        for (reason, count) in REASONS.into_iter().zip(counts) {
            if count > 0 {
                self.0.with_label_values(&[dialect, reason]).inc_by(count as u64);
            }
        }
    }

    /// How many of each dialect were left out for each reason.
    pub fn by_dialect(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
        let of = |dialect| {
            let count = |reason| (reason, self.0.with_label_values(&[dialect, reason]).get());
            (dialect, REASONS.map(count).into())
        };
        DIALECTS.map(of).into()
    }
}
