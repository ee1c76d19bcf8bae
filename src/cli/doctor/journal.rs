//! The journal, and the backlog that is in it.

use std::path::Path;

use trailkeep_journal::{Inspected, OpenError};

use super::finding::Finding;
use super::words::{count, size};
use crate::ingest::room::Amount;

const JOURNAL: &str = "journal";
const BACKLOG: &str = "backlog";

/// Percent of a limit from which on it is told.
const NEARLY: u64 = 80;

fn is_nearly(value: u64, limit: u64) -> bool {
    u128::from(value) * 100 >= u128::from(limit) * u128::from(NEARLY)
}

/// What is on the disk, against `journal.max_bytes`.
pub fn judge(
    folder: &Path,
    looked: &Result<Option<Inspected>, OpenError>,
    max_bytes: u64,
) -> Finding {
    let inspected = match looked {
        Ok(None) => return Finding::ok(JOURNAL, "none yet; the first start makes it"),
        Ok(Some(inspected)) => inspected,
        Err(error) => {
            let found = format!("the one in {} {error}", folder.display());
            return Finding::fail(
                JOURNAL,
                found,
                "a start would end with the same: mend that first",
            );
        }
    };
    let Inspected { segments, bytes, unsettled, damaged } = *inspected;
    let found = format!(
        "{}, {} on disk with those in reserve, {} not settled",
        count(segments as u64, "segment", "segments"),
        size(bytes),
        count(unsettled.weight, "event", "events"),
    );
    if damaged > 0 {
        return Finding::warn(
            JOURNAL,
            format!("{found}; {}", count(damaged as u64, "damaged place", "damaged places")),
            "look for a fault of the disk; the next start puts them aside in damaged-* files and \
             uses the rest",
        );
    }
    if is_nearly(bytes, max_bytes) {
        return Finding::warn(
            JOURNAL,
            format!("{found}; journal.max_bytes allows {}", size(max_bytes)),
            "see why events are not stored: one that the database does not take keeps all after it",
        );
    }
    Finding::ok(JOURNAL, found)
}

/// What waits for the database, against the limit.
pub fn judge_backlog(unsettled: Amount, limit: Amount, is_held: bool) -> Finding {
    if unsettled.events == 0 {
        return Finding::ok(BACKLOG, "empty: all that was accepted is stored");
    }
    let found = format!(
        "{} in {} for the database, of {} and {}",
        if unsettled.events == 1 {
            "1 event waits".to_owned()
        } else {
            format!("{} events wait", unsettled.events)
        },
        size(unsettled.bytes as u64),
        limit.events,
        size(limit.bytes as u64),
    );
    if !is_held {
        return Finding::warn(BACKLOG, found, "start the service: it stores them");
    }
    let is_nearly_full = is_nearly(unsettled.events as u64, limit.events as u64)
        || is_nearly(unsettled.bytes as u64, limit.bytes as u64);
    if is_nearly_full {
        return Finding::warn(
            BACKLOG,
            found,
            "see whether the database is well; at the limit posts are answered 503",
        );
    }
    Finding::ok(BACKLOG, found)
}

#[cfg(test)]
mod tests {
    use trailkeep_journal::Totals;

    use super::*;
    use crate::cli::doctor::finding::Level;

    const LIMIT: Amount = Amount { events: 5000, bytes: 1000 };

    fn backlog(events: usize, bytes: usize, is_held: bool) -> Level {
        judge_backlog(Amount { events, bytes }, LIMIT, is_held).level
    }

    #[test]
    fn a_backlog_is_told_near_its_limit_and_where_nobody_writes_it() {
        assert_eq!(backlog(0, 0, false), Level::Ok);
        assert_eq!(backlog(3999, 10, true), Level::Ok);
        assert_eq!(backlog(4000, 10, true), Level::Warn);
        assert_eq!(backlog(1, 800, true), Level::Warn);
        assert_eq!(backlog(1, 1, false), Level::Warn);
    }

    #[test]
    fn a_journal_is_told_that_is_damaged_or_nearly_at_its_limit() {
        let level = |bytes, damaged| {
            let inspected = Inspected { segments: 1, bytes, unsettled: Totals::default(), damaged };
            judge(Path::new("j"), &Ok(Some(inspected)), 1000).level
        };
        assert_eq!(level(799, 0), Level::Ok);
        assert_eq!(level(800, 0), Level::Warn);
        assert_eq!(level(1, 1), Level::Warn);
        assert_eq!(judge(Path::new("j"), &Ok(None), 1000).level, Level::Ok);
        assert_eq!(judge(Path::new("j"), &Err(OpenError::Newer('9')), 1000).level, Level::Fail);
    }
}
