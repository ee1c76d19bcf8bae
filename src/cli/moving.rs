//! `trailkeep move`: everything of the embedded store into MongoDB.
//!
//! The service is stopped meanwhile. What its journal holds needs nothing: the service that is
//! started on the same folder afterwards, with the MongoDB, stores it there.

mod carrying;
mod comparing;
mod error;

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::HumanCount;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore, Mark};
use trailkeep_store::mongo::{Found, MongoSettings, MongoStore, Stage};
use trailkeep_store::moving::{Kind, Reached};
use trailkeep_store::{Retention, Store as _, Timeouts};
use uuid::Uuid;

use super::flags::Flags;
use super::progress::Progress;
use super::terminal::complain;
use crate::app::{self, StartError};
use crate::config::{Overrides, Settings};
use crate::shutdown::Signals;
use carrying::Carrier;
use comparing::{Compared, Pair};
pub(super) use error::MoveError;

/// What reads a whole table, or makes an index of one, may take.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// What closing both may take.
const CLOSING: Duration = Duration::from_secs(3);

const AFTER_HELP: &str = "\
Stop the service first. Events, staff and their sessions, tokens, write keys, who is
who, what processors did and have to do, dead letters, the audit trail and erasures
go over, into a database that has nothing of Trailkeep. At the end all is counted,
and journeys are compared. What was stopped or killed goes on when the command is
run again; until it is complete, no service starts on the folder or the database.

The embedded store stays as it was. What its journal holds is stored in MongoDB by
the service that is started on this folder afterwards.

Exit codes: 0 all of it is there and the same; 1 it is not; 2 wrong arguments; 130
(Ctrl-C) or 143 (SIGTERM) stopped before its end. A second signal ends at once.

Examples:
  MONGODB_URI=mongodb://db/shop trailkeep move          from ./data
  trailkeep move --to mongodb://localhost/shop --data-dir /var/lib/trailkeep";

/// Where to.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Command {
    /// Into this MongoDB; better in MONGODB_URI, as a password in a command line can be read
    #[arg(long, value_name = "URI")]
    to: Option<String>,
    #[command(flatten)]
    flags: Flags,
}

impl Command {
    /// Puts what was typed above what was there.
    pub(super) fn add_to(&self, overrides: Overrides) -> Overrides {
        let overrides = self.flags.add_to(overrides);
        match &self.to {
            Some(uri) => overrides.flag("--to", "store.mongodb_uri", uri),
            None => overrides,
        }
    }
}

/// What is to be said at the end, and how it ended.
pub(super) struct Done {
    pub(super) text: String,
    pub(super) code: ExitCode,
}

/// Moves all of it. Returns once that is done, has failed, or was stopped by a signal.
pub(super) fn run(settings: &Settings) -> Result<Done, MoveError> {
    let uri = settings.store.mongodb_uri.as_ref().ok_or(MoveError::NoTarget)?;
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let done = runtime.block_on(async {
        let data_dir = &settings.store.data_dir;
        let timeouts = Timeouts { read: LONG, prepare: LONG, ..app::timeouts(settings) };
        let of_source = EmbeddedSettings { retention: Retention::default(), timeouts };
        let source = EmbeddedStore::open_to_move(data_dir, &of_source)?;
        let of_target = MongoSettings { timeouts, ..app::of_mongodb(settings) };
        let target = MongoStore::connect(uri.expose(), &of_target).await?;
        let done = Move { settings, source: &source, target: &target }.see_through().await;
        let _ = timeout(CLOSING, async { tokio::join!(source.close(), target.close()) }).await;
        done
    });
    // After a second signal nobody waits for what is in flight.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

struct Move<'a> {
    settings: &'a Settings,
    source: &'a EmbeddedStore,
    target: &'a MongoStore,
}

impl Move<'_> {
    /// A first signal asks for the end, a second one leaves it where it is.
    async fn see_through(&self) -> Result<Done, MoveError> {
        let mut signals =
            Signals::listen().map_err(|error| StartError::System(error.to_string()))?;
        let stop = CancellationToken::new();
        let mut work = pin!(self.work(&stop));
        let mut asked = "";
        let done = tokio::select! {
            done = &mut work => done?,
            signal = signals.next() => {
                asked = signal;
                stop.cancel();
                tokio::select! {
                    done = work => done?,
                    _ = signals.next_on_purpose() => None,
                }
            }
        };
        if let Some(text) = done {
            return Ok(Done { text, code: ExitCode::SUCCESS });
        }
        // The codes by which shells know of the signals.
        let code = ExitCode::from(if asked == "SIGTERM" { 143 } else { 130 });
        let text = format!("stopped by {asked}; run the command again to go on\n");
        Ok(Done { text, code })
    }

    /// What is said at the end; `None` where a stop was asked for.
    async fn work(&self, stop: &CancellationToken) -> Result<Option<String>, MoveError> {
        let (mark, stage) = self.begin().await?;
        if stage == Stage::Complete {
            Mark { is_complete: true, ..mark }.put_into(&self.settings.store.data_dir)?;
            return Ok(Some(format!("everything is there already\n{}", self.what_is_left())));
        }
        let mut text = String::new();
        if let Stage::Moving(reached) = &stage {
            let Some(told) = self.carry(&mark, reached, stop).await? else { return Ok(None) };
            text = told;
            let compare = stop.run_until_cancelled(self.compare(mark.id)).await;
            let Some(compared) = compare.transpose()? else { return Ok(None) };
            text.push_str(&format!(
                "the same: {} tables by the number of their rows, {} journeys with {} events byte for byte\n",
                Kind::ALL.len(),
                HumanCount(compared.journeys),
                HumanCount(compared.events)
            ));
        }
        self.target.complete_move(mark.id).await.map_err(MoveError::Writing)?;
        Mark { is_complete: true, ..mark }.put_into(&self.settings.store.data_dir)?;
        text.push_str(&self.what_is_left());
        Ok(Some(text))
    }

    /// Which move it is, and how far it is. The folder is marked before the database, and before
    /// anything goes over.
    async fn begin(&self) -> Result<(Mark, Stage), MoveError> {
        let data_dir = &self.settings.store.data_dir;
        let to = app::store_place(self.settings);
        let id = match Mark::of(data_dir)? {
            Some(mark) if mark.is_complete && mark.to != to => {
                let file = Mark::path_in(data_dir);
                return Err(MoveError::Elsewhere { to: mark.to, mark: file });
            }
            Some(mark) => mark.id,
            None => Uuid::new_v4(),
        };
        let mark = Mark { id, to: to.clone(), is_complete: false };
        match self.target.find_move(id).await.map_err(MoveError::Writing)? {
            Found::Taken(collections) => Err(MoveError::Taken { to, collections }),
            Found::Another => Err(MoveError::Another { to }),
            Found::At(Stage::Complete) => Ok((mark, Stage::Complete)),
            Found::At(stage) => {
                mark.put_into(data_dir)?;
                Ok((mark, stage))
            }
            Found::Empty => {
                mark.put_into(data_dir)?;
                self.target.begin_move(id).await.map_err(MoveError::Writing)?;
                Ok((mark, Stage::Moving(Reached::START)))
            }
        }
    }

    /// How fast it was; `None` where a stop was asked for.
    async fn carry(
        &self,
        mark: &Mark,
        from: &Reached,
        stop: &CancellationToken,
    ) -> Result<Option<String>, MoveError> {
        let mut rows = 0;
        for kind in Kind::ALL {
            rows += self.source.rows(kind).await.map_err(MoveError::Reading)?;
        }
        let progress = Progress::begin(rows, "rows");
        if from.rows > 0 {
            progress.go_on_from(from.rows);
            progress.say(&format!("going on behind {} rows", HumanCount(from.rows)));
        }
        let (source, target) = (self.source, self.target);
        let carrier = Carrier { source, target, id: mark.id, progress: &progress, stop };
        let is_over = carrier.carry(from).await;
        let took = progress.end();
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let carried = rows.saturating_sub(from.rows);
        Ok(is_over?.then(|| {
            format!(
                "{} rows in {:.1} s ({}/s) to {}\n",
                HumanCount(carried),
                took.as_secs_f64(),
                HumanCount(carried * 1000 / millis),
                mark.to
            )
        }))
    }

    async fn compare(&self, id: Uuid) -> Result<Compared, MoveError> {
        let mark = Mark::path_in(&self.settings.store.data_dir);
        let pair = Pair { source: self.source, target: self.target, mark };
        complain("trailkeep: counting\n");
        pair.count().await?;
        complain("trailkeep: making the indexes, which takes a while\n");
        self.target.make_readable().await.map_err(MoveError::Writing)?;
        let compared = pair.compare(id).await?;
        self.target.note_compared(id).await.map_err(MoveError::Writing)?;
        Ok(compared)
    }

    fn what_is_left(&self) -> String {
        let data_dir = self.settings.store.data_dir.display();
        format!(
            "Start the service on this folder with MONGODB_URI from now on: what its journal holds \
             is stored there then.\n\
             The embedded store stays as it was, with personal data that no erasure and no \
             retention reaches any more. When the service runs well, remove it:\n  \
             rm {data_dir}/trailkeep.db*\n"
        )
    }
}
