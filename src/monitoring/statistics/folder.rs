//! The data folder: what the journal takes of its disk, and what is left.

use parking_lot::Mutex;
use prometheus::{Gauge, IntGauge, Registry};

use crate::monitoring::names;

/// Told once a second.
pub struct FolderGauges {
    journal_bytes: IntGauge,
    journal_segments: IntGauge,
    free_bytes: Gauge,
    free: Mutex<Option<u64>>,
}

impl FolderGauges {
    /// Adds them to what `/metrics` says.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |(name, help): (&str, &str)| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let (name, help) = names::DISK_FREE_BYTES;
        let free_bytes = Gauge::new(name, help)?;
        // A 0 that nobody has measured would raise an alert.
        free_bytes.set(f64::NAN);
        registry.register(Box::new(free_bytes.clone()))?;
        Ok(Self {
            journal_bytes: gauge(names::JOURNAL_BYTES)?,
            journal_segments: gauge(names::JOURNAL_SEGMENTS)?,
            free_bytes,
            free: Mutex::new(None),
        })
    }

    /// The journal has so many segments that are needed, of so many bytes.
    pub fn journal_is(&self, segments: usize, bytes: u64) {
        self.journal_segments.set(i64::try_from(segments).unwrap_or(i64::MAX));
        self.journal_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// So many bytes are free on its disk.
    #[allow(clippy::cast_precision_loss)] // exact up to 8 PiB
    pub fn free_is(&self, bytes: u64) {
        self.free_bytes.set(bytes as f64);
        *self.free.lock() = Some(bytes);
    }

    /// How many bytes were free when that was last asked for; `None` before.
    pub fn free(&self) -> Option<u64> {
        *self.free.lock()
    }
}
