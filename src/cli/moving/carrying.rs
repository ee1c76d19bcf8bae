//! Rows go over, page by page: the next page is read while one is written.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use trailkeep_store::StoreError;
use trailkeep_store::embedded::EmbeddedStore;
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::moving::{Kind, Page, Reached};
use uuid::Uuid;

use super::error::MoveError;
use crate::cli::progress::Progress;

/// For how long a database that is away is asked again.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_secs(1);

/// What carries rows from one to the other.
pub struct Carrier<'a> {
    pub source: &'a EmbeddedStore,
    pub target: &'a MongoStore,
    /// The move.
    pub id: Uuid,
    pub progress: &'a Progress,
    /// Asks for the end.
    pub stop: &'a CancellationToken,
}

/// Rows, and up to where it is when they are over: `None` where they are the last ones.
type Ahead = (Page, Option<Reached>);

impl Carrier<'_> {
    /// Carries all that lies before it; false where a stop was asked for.
    pub async fn carry(&self, from: &Reached) -> Result<bool, MoveError> {
        let mut done = from.rows;
        let mut ahead = Some(self.read(from).await?);
        while let Some((page, reached)) = ahead.take() {
            if self.stop.is_cancelled() {
                return Ok(false);
            }
            let next = async {
                match &reached {
                    Some(reached) => self.read(reached).await.map(Some),
                    None => Ok(None),
                }
            };
            let write = self.patiently(done, async || self.target.take(&page).await);
            let (written, next) = tokio::join!(write, next);
            written?;
            done += page.rows.len() as u64;
            if let Some(reached) = &reached {
                let note = async || self.target.note_reached(self.id, reached).await;
                self.patiently(done, note).await?;
            }
            self.progress.show(done, None);
            ahead = next?;
        }
        Ok(true)
    }

    async fn read(&self, from: &Reached) -> Result<Ahead, MoveError> {
        let page = self.source.page_of(from.kind, from.after.clone());
        let page = page.await.map_err(MoveError::Reading)?;
        let rows = from.rows + page.rows.len() as u64;
        let behind = |kind: Kind, after| Reached { kind, after, rows };
        let reached = match &page.last {
            Some(last) => Some(behind(from.kind, Some(last.clone()))),
            None => from.kind.next().map(|kind| behind(kind, None)),
        };
        Ok((page, reached))
    }

    /// Again while the database is away, for a while, and unless a stop is asked for.
    async fn patiently(
        &self,
        done: u64,
        work: impl AsyncFn() -> Result<(), StoreError>,
    ) -> Result<(), MoveError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match work().await {
                Err(StoreError::Unavailable(fault))
                    if Instant::now() < deadline && !self.stop.is_cancelled() =>
                {
                    self.progress.show(done, Some(fault));
                    sleep(PAUSE).await;
                }
                ended => return ended.map_err(MoveError::Writing),
            }
        }
    }
}
