//! **Bounded.** Memory has a bound that is reckoned from the settings and told at the
//! start.
//!
//! Each line is what one part may hold at the most; that it holds no more is that
//! part's to see to.

use std::fmt;

use trailkeep_journal::SEGMENT_BYTES;

use crate::access::password::HashCost;
use crate::access::write_keys;
use crate::config::{Processor, Settings};
use crate::ingest::backlog::HEAD;
use crate::ingest::feeder;
use crate::live;
use crate::monitoring::{history, refusals};
use crate::processing::{self, answer};
use crate::summaries;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What the process holds that serves nobody: code, threads, pools, what the
/// allocator keeps, and the tables of who tried how often, some 10 MiB each when
/// they are full. And the few connections of the control socket.
const AT_REST: usize = 64 * MIB;

/// What an open connection takes while its client sends or is answered: two
/// buffers of its own, its task, and a request's head.
const FOR_A_CONNECTION: usize = 40 * KIB;

/// What is kept to find an event in the backlog's head, beside its record.
const FOR_AN_EVENT: usize = 400;

/// The densest body as a record: in an array, `0,` becomes 11 bytes of BSON.
const RECORD_OF_A_BODY: usize = 6;

/// Bodies until their events are in the backlog.
const BODIES: usize = 64 * MIB;

/// A body that is not small has half of them, and of the densest one half would
/// be taken by eight times its bytes.
const BODIES_OF_FULL_SIZE: usize = 16;

/// The memory of bodies until their events are in the backlog: a constant, unless
/// a single body may be so large that it would not fit.
pub fn bodies(settings: &Settings) -> usize {
    BODIES.max(BODIES_OF_FULL_SIZE * settings.http.max_body_bytes)
}

/// What the service may hold at the most, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoning {
    /// What it is for, and its bytes.
    pub parts: Vec<(&'static str, usize)>,
}

impl Reckoning {
    /// All of it, rounded up.
    pub fn mebibytes(&self) -> usize {
        let bytes: usize = self.parts.iter().map(|(_, bytes)| bytes).sum();
        bytes.div_ceil(MIB)
    }
}

/// Reckons the bound. Readers' pages are not in it: a journey's page is as large
/// as its events.
pub fn reckon(settings: &Settings) -> Reckoning {
    let Settings { http, backlog, events, write, .. } = settings;
    let hashes = HashCost::IN_FORCE;
    let head = backlog.max_bytes.min(HEAD.bytes);
    let in_flight = write.in_flight * write.max_events * events.max_payload_bytes;
    let parts = vec![
        ("the process itself", AT_REST),
        ("bodies that are being read", bodies(settings)),
        ("the backlog's head", head + backlog.max_events.min(HEAD.events) * FOR_AN_EVENT),
        ("writes to the database, and the driver's copies of them", 2 * in_flight.min(head)),
        (
            "a segment of the journal that is read back, and a record of it",
            2 * (SEGMENT_BYTES as usize).max(RECORD_OF_A_BODY * http.max_body_bytes),
        ),
        ("stored events on their way to feeds", feeder::ROOM_KIB * KIB),
        ("processors: what is pending, in flight and fetched", processors(settings)),
        ("http.max_connections, 40 KiB each", http.max_connections * FOR_A_CONNECTION),
        (
            "streams of accepted events, and what is kept for them",
            live::bound(settings.live.max_streams, events.max_payload_bytes),
        ),
        ("summaries that are kept", summaries::MAX_CACHE_BYTES),
        ("write keys, 10,000 of them", write_keys::MOST_BYTES),
        ("the history of the counters", history::MAX_BYTES),
        ("what is told of refused requests", refusals::MAX_BYTES),
        ("passwords that are being hashed", hashes.parallel * hashes.memory_kib as usize * KIB),
    ];
    Reckoning { parts }
}

/// What all processors hold: an event in flight is there as it is stored and as it is
/// sent, beside its answer.
fn processors(settings: &Settings) -> usize {
    let event = 2 * settings.events.max_payload_bytes + answer::MAX_BODY_BYTES + FOR_A_CONNECTION;
    let held =
        |processor: &Processor| processing::MOST_PENDING_BYTES + processor.concurrency * event;
    let held: usize = settings.processors.values().map(held).sum();
    if held > 0 { held + processing::MAX_BODIES_BYTES } else { 0 }
}

/// As comments of a file of settings.
impl fmt::Display for Reckoning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.mebibytes();
        writeln!(f, "# Memory is at most {total} MiB, beside pages that are read:")?;
        for (name, bytes) in &self.parts {
            writeln!(f, "# {:>6} MiB  {name}", bytes.div_ceil(MIB))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::{MIB, bodies, reckon};
    use crate::config::Settings;

    fn with(path: &str, value: &str) -> Settings {
        Settings::with([(path, value)]).unwrap()
    }

    #[test]
    fn the_bound_is_the_sum_of_its_parts() {
        let reckoning = reckon(&Settings::defaults());
        let sum: usize = reckoning.parts.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(reckoning.mebibytes(), sum.div_ceil(MIB));
        assert!((500..1024).contains(&reckoning.mebibytes()));
    }

    #[test]
    fn a_setting_that_allows_more_raises_it() {
        let usual = reckon(&Settings::defaults()).mebibytes();
        for (path, value) in [
            ("http.max_connections", "20000"),
            ("http.max_body_bytes", "16777216"),
            ("live.max_streams", "128"),
            ("processors.default.url", "http://localhost:3001"),
        ] {
            let more = reckon(&with(path, value)).mebibytes();
            assert!(more > usual, "{path}");
        }
        assert!(reckon(&with("http.max_connections", "100")).mebibytes() < usual);
        assert!(reckon(&with("live.max_streams", "0")).mebibytes() < usual);
        // What is beyond the backlog's head is on disk.
        assert_eq!(reckon(&with("backlog.max_events", "1000000")).mebibytes(), usual);
    }

    #[test]
    fn a_body_of_full_size_has_room_whatever_is_in_it() {
        assert_eq!(bodies(&Settings::defaults()), 64 * MIB);
        let large = with("http.max_body_bytes", "33554432");
        assert_eq!(bodies(&large), 16 * 32 * MIB);
    }

    #[test]
    fn it_is_printed_as_comments() {
        let printed = reckon(&Settings::defaults()).to_string();
        assert!(printed.lines().all(|line| line.starts_with("# ")), "{printed}");
        assert!(printed.contains("# Memory is at most "), "{printed}");
    }
}
