//! What stays free on a disk that the journal shares with the database.
//!
//! Where both are on one disk, a journal that takes the last of it leaves a backlog
//! that can never be written: the database needs room for it, and gives none back.
//! So posts are refused before that, and what is accepted goes on being written.
//! The disk is asked once a second, whatever is posted.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tracing::debug;

use super::Ingest;
use crate::monitoring::disk::Disk;

const MEBIBYTE: u64 = 1 << 20;

/// For each byte of the backlog: an event takes about as much in the database, its
/// index entries included, as its record takes in the journal; and it is in SQLite's
/// WAL as well until that is moved to the main file.
const FOR_A_BYTE: u64 = 2;

/// Whatever the backlog holds: the three segments of 16 MiB that the journal makes
/// ahead of use, and 16 MiB for a WAL that a long read keeps from being moved.
const ALWAYS: u64 = 64 * MEBIBYTE;

/// How much more has to be free before posts are taken again: writing the backlog
/// moves both sides of the comparison, and must not have it come out differently
/// each second.
const MORE: u64 = 16 * MEBIBYTE;

/// How often the disk is asked. A second of posts at full speed is a few MiB.
const EVERY: Duration = Duration::from_secs(1);

/// Bytes that have to stay free for a backlog of so many bytes.
pub fn needed(backlog_bytes: u64) -> u64 {
    backlog_bytes.saturating_mul(FOR_A_BYTE).saturating_add(ALWAYS)
}

/// Whether the disk is short, given whether it was.
fn is_short(was_short: bool, free: u64, backlog_bytes: u64) -> bool {
    let more = if was_short { MORE } else { 0 };
    free < needed(backlog_bytes).saturating_add(more)
}

/// Asks the disk at intervals, has it told how much is free, and refuses posts
/// where the database shares the disk and it is short. Ends with the process.
pub async fn watch(ingest: Arc<Ingest>, disk: Arc<dyn Disk>, is_shared: bool) {
    loop {
        let asked = Arc::clone(&disk);
        // A disk that hangs must not hold a thread that answers requests.
        match spawn_blocking(move || asked.free()).await {
            Ok(Ok(free)) => ingest.disk_has(free, is_shared),
            // What cannot be told is found out when the disk is full.
            Ok(Err(error)) => debug!(%error, "the disk does not say how much is free"),
            Err(error) => debug!(%error, "the disk could not be asked"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

impl Ingest {
    fn disk_has(&self, free: u64, is_shared: bool) {
        let folder = &self.statistics.folder;
        let journal = self.journal_on_disk();
        folder.free_is(free);
        folder.journal_is(journal.segments, journal.bytes);
        if is_shared {
            let was_short = self.health.is_disk_short();
            let backlog_bytes = self.held().bytes as u64;
            self.health.disk_short(is_short(was_short, free, backlog_bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS, MEBIBYTE, MORE, is_short, needed};

    #[test]
    fn a_disk_is_short_when_the_backlog_would_not_fit_into_the_database() {
        assert!(!is_short(false, ALWAYS, 0));
        assert!(is_short(false, ALWAYS - 1, 0));
        let backlog = 100 * MEBIBYTE;
        assert_eq!(needed(backlog), 264 * MEBIBYTE);
        assert!(!is_short(false, 264 * MEBIBYTE, backlog));
        assert!(is_short(false, 264 * MEBIBYTE - 1, backlog));
        assert!(is_short(false, u64::MAX - 1, u64::MAX), "no overflow");
    }

    #[test]
    fn a_disk_that_was_short_is_so_until_there_is_more() {
        assert!(is_short(true, ALWAYS + MORE - 1, 0));
        assert!(!is_short(true, ALWAYS + MORE, 0));
    }
}
