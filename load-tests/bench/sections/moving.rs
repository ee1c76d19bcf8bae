//! `trailkeep move` of many events out of an embedded store: how fast, against a bare loop that
//! inserts the same documents, and what becomes of a move that is killed twice. Each move ends
//! well only where it found both stores the same.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::raw::{RawArrayBuf, RawDocumentBuf};
use bson::{doc, rawdoc};
use futures_util::TryStreamExt as _;
use mongodb::Database as Handle;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};
use trailkeep_testkit::watchdog::Watchdog;

use crate::bench::Bench;
use crate::database::Database;
use crate::findings::{Findings, Row};
use crate::processes::Memory;
use crate::seeding::Seeding;

/// Filling, moving, the loop, and the move that is killed.
pub const STEPS: u64 = 4;
/// As a move has them.
const LANES: usize = 4;
const DOCUMENTS: usize = 500;
/// Documents of the loop that are in memory at once.
const CHUNK: usize = 50_000;
const PAUSE: Duration = Duration::from_millis(20);
const SAID: &str = "move.log";
/// The shares of all events at which the move is killed.
const KILLED_AT: [f64; 2] = [1.0 / 3.0, 2.0 / 3.0];
const MIB: f64 = 1024.0 * 1024.0;

/// Measures.
#[allow(clippy::cast_precision_loss)]
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let events = bench.arguments.events();
    let site = Site::new(bench).await?;
    bench.progress.step(format!("move, filling a folder with {events} events"));
    let seeding = Seeding::of(events, bench.arguments.seed);
    seeding.write_into(&bench.starter.binary, site.folder.path()).await?;
    bench.progress.step("move, at one go");
    let whole = site.move_to("whole", |_| false).await?;
    bench.progress.step("move, the bare loop");
    let looped = insert(&site.database("whole"), &site.database("loop")).await?;
    bench.progress.step("move, killed twice");
    let killed = site.move_and_kill(events).await?;

    let (carried, rows) = whole.carried()?;
    let rate = rows as f64 / carried;
    let bare = events as f64 / looped.as_secs_f64();
    Ok(Findings {
        rows: vec![
            Row::figure("rows a second, move", rate, ""),
            Row::figure("documents a second, bare loop", bare, ""),
            Row::figure("move against the bare loop", rate / bare, "times"),
            Row::figure("move, with indexes and comparing", whole.took.as_secs_f64(), "s"),
            Row::figure("move, killed twice", killed.as_secs_f64(), "s"),
            Row::figure("memory of a move", whole.peak as f64 / MIB, "MiB"),
        ],
        figures: json!({
            "events": events,
            "rows": rows,
            "rowsPerSecond": rate,
            "loopPerSecond": bare,
            "seconds": whole.took.as_secs_f64(),
            "secondsKilledTwice": killed.as_secs_f64(),
            "peakBytes": whole.peak,
            "said": whole.said,
        }),
        ..Findings::default()
    })
}

/// A folder that is moved, and a server.
struct Site<'a> {
    bench: &'a Bench,
    folder: TempDir,
    server: Database,
}

/// A move that has ended, or was killed.
struct Moved {
    took: Duration,
    /// The most memory that it held, in bytes.
    peak: u64,
    said: String,
}

impl Moved {
    /// The seconds in which rows went over, and how many these were, as it said.
    fn carried(&self) -> Result<(f64, u64), Trouble> {
        let read = || {
            let (rows, rest) = self.said.split_once(" rows in ")?;
            let (seconds, _) = rest.split_once(" s ")?;
            let rows = rows.lines().last()?.replace(',', "");
            Some((seconds.parse().ok()?, rows.parse().ok()?))
        };
        read()
            .ok_or_else(|| Trouble(format!("the move does not say how fast it was: {}", self.said)))
    }
}

impl<'a> Site<'a> {
    async fn new(bench: &'a Bench) -> Result<Self, Trouble> {
        let folder = TempDir::new_in(bench.starter.folder.path()).during("a temporary folder")?;
        Ok(Self { bench, folder, server: Database::start(&bench.arguments).await? })
    }

    fn database(&self, name: &str) -> Handle {
        self.server.handle().client().database(name)
    }

    /// Moves the folder, and kills the move as soon as `is_enough` of the events that are there.
    async fn move_to(&self, name: &str, is_enough: impl Fn(u64) -> bool) -> Result<Moved, Trouble> {
        let events = self.database(name).collection::<RawDocumentBuf>("events");
        let began = Instant::now();
        let mut running = self.start(name)?;
        let mut peak = 0;
        loop {
            if let Ok(memory) = Memory::of(running.child.id()) {
                peak = peak.max(memory.peak);
            }
            let ended = running.child.try_wait().during("asking after the move")?;
            let said = || std::fs::read_to_string(self.folder.path().join(SAID));
            if let Some(status) = ended {
                let said = said().during("the move's log")?;
                if status.success() {
                    return Ok(Moved { took: began.elapsed(), peak, said });
                }
                return Err(Trouble(format!("trailkeep move ended with {status}: {said}")));
            }
            if is_enough(events.estimated_document_count().await.during("a count")?) {
                drop(running);
                return Ok(Moved { took: began.elapsed(), peak, said: String::new() });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How long all of it took.
    #[allow(clippy::cast_precision_loss)]
    async fn move_and_kill(&self, events: u64) -> Result<Duration, Trouble> {
        std::fs::remove_file(self.folder.path().join("moved")).during("the mark of the move")?;
        let mut took = Duration::ZERO;
        for share in KILLED_AT {
            let enough = events as f64 * share;
            took += self.move_to("killed", |there| there as f64 >= enough).await?.took;
        }
        took += self.move_to("killed", |_| false).await?.took;
        let there = self.database("killed").collection::<RawDocumentBuf>("events");
        let there = there.count_documents(doc! {}).await.during("a count")?;
        if there == events {
            return Ok(took);
        }
        Err(Trouble(format!("of {events} events {there} are there after a move that was killed")))
    }

    fn start(&self, name: &str) -> Result<Running, Trouble> {
        let folder: &Path = self.folder.path();
        let log = File::create(folder.join(SAID)).during("the move's log")?;
        let child = Command::new(&self.bench.starter.binary)
            .arg("move")
            .env_clear()
            .env("MONGODB_URI", self.server.uri_of(name))
            .env("DATA_DIR", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().during("the move's log")?)
            .stderr(log)
            .spawn()
            .during("starting trailkeep move")?;
        let _watchdog = Watchdog::over(&child, folder);
        Ok(Running { child, _watchdog })
    }
}

/// The process. Killed when it is dropped before its end.
struct Running {
    child: Child,
    _watchdog: Watchdog,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Inserts all events of one database into another, and no index but that of `_id`; gives how
/// long the inserting took, without the reading.
async fn insert(from: &Handle, to: &Handle) -> Result<Duration, Trouble> {
    let events = from.collection::<RawDocumentBuf>("events");
    let mut cursor = events.find(doc! {}).await.during("reading what was moved")?;
    let mut took = Duration::ZERO;
    loop {
        let mut documents = Vec::with_capacity(CHUNK);
        while documents.len() < CHUNK {
            let Some(next) = cursor.try_next().await.during("reading what was moved")? else {
                break;
            };
            documents.push(next);
        }
        if documents.is_empty() {
            return Ok(took);
        }
        took += insert_chunk(to, documents).await?;
    }
}

async fn insert_chunk(to: &Handle, documents: Vec<RawDocumentBuf>) -> Result<Duration, Trouble> {
    let mut lanes = vec![Vec::new(); LANES];
    for (number, documents) in documents.chunks(DOCUMENTS).enumerate() {
        let mut array = RawArrayBuf::new();
        documents.iter().for_each(|document| array.push(document.clone()));
        lanes[number % LANES].push(rawdoc! {
            "insert": "events",
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
            "documents": array,
        });
    }
    let began = Instant::now();
    let to = Arc::new(to.clone());
    let mut running = JoinSet::new();
    for commands in lanes {
        let to = Arc::clone(&to);
        running.spawn(async move {
            for command in commands {
                to.run_raw_command(command).await.during("inserting")?;
            }
            Ok::<_, Trouble>(())
        });
    }
    while let Some(lane) = running.join_next().await {
        lane.during("an inserter")??;
    }
    Ok(began.elapsed())
}
