//! What events cost to store, to let expire and to erase, and what they take.

use std::time::Instant;

use bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::data::Inserter;
use super::layouts::Layout;
use crate::batch::user_name;
use crate::database::Database;
use crate::processes::Cpu;

/// Regular users who are erased.
const ERASED: std::ops::Range<u32> = 1_000..1_200;
/// At most so many events expire.
const MOST_EXPIRED: u64 = 300_000;

/// Work on events, from one `fsync` to the next.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    pub events: u64,
    /// Microseconds of `mongod`'s CPU for each.
    pub cpu_us: f64,
    pub per_second: f64,
}

impl Work {
    /// As it goes into the results.
    pub fn to_json(self) -> Value {
        json!({ "events": self.events, "cpuUs": self.cpu_us, "perSecond": self.per_second })
    }
}

/// In MiB.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Not a number where there is none.
    pub journey: f64,
    /// All indexes.
    pub indexes: f64,
    /// The documents, as they are compressed.
    pub data: f64,
}

impl Sizes {
    /// As it goes into the results.
    pub fn to_json(self) -> Value {
        json!({ "journeyMib": self.journey, "indexesMib": self.indexes, "dataMib": self.data })
    }
}

/// Makes the collection and its indexes.
pub async fn make(database: &Database, layout: Layout) -> Result<(), Trouble> {
    let indexes = layout.indexes();
    let command = match indexes.is_empty() {
        true => doc! { "create": "events" },
        false => doc! { "createIndexes": "events", "indexes": indexes },
    };
    let made = database.handle().run_command(command).await;
    made.during("making the collection").map(drop)
}

/// The next events in the order of time.
pub async fn settled(inserter: &mut Inserter, events: u64) -> Result<Work, Trouble> {
    let began = Began::now(&inserter.database).await?;
    let inserted = inserter.insert(events).await?;
    began.ended(&inserter.database, inserted).await
}

/// Events that happened in the last seven days.
pub async fn late(inserter: &mut Inserter, events: u64) -> Result<Work, Trouble> {
    let began = Began::now(&inserter.database).await?;
    let inserted = inserter.insert_late(events).await?;
    began.ended(&inserter.database, inserted).await
}

/// The oldest events go, by their `_id`, which begins with their time.
pub async fn expire(inserter: &Inserter) -> Result<Work, Trouble> {
    let course = inserter.course;
    let events = (course.events / 100).clamp(1, MOST_EXPIRED);
    let millis = u64::try_from(course.time(events)).unwrap_or(0);
    let mut bytes = vec![0; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    let limit = Binary { subtype: BinarySubtype::Uuid, bytes };
    let began = Began::now(&inserter.database).await?;
    let deleted = delete(&inserter.database, doc! { "_id": { "$lt": limit } }).await?;
    began.ended(&inserter.database, deleted).await
}

/// The events of some users go, of one user after the other.
pub async fn erase(inserter: &Inserter) -> Result<Work, Trouble> {
    let mut deleted = 0;
    let began = Began::now(&inserter.database).await?;
    for user in ERASED {
        let mut filter = Document::new();
        if inserter.periods.is_some() {
            // Any period: without this the index would not be used.
            filter.insert("period", doc! { "$gte": Bson::MinKey });
        }
        filter.insert("userId", user_name(user));
        deleted += delete(&inserter.database, filter).await?;
    }
    began.ended(&inserter.database, deleted).await
}

/// What the collection and its indexes take on the disk.
pub async fn sizes(database: &Database) -> Result<Sizes, Trouble> {
    const MIB: f64 = 1_048_576.0;
    let stats = database.handle().run_command(doc! { "collStats": "events" }).await;
    let stats = stats.during("asking for sizes")?;
    let mib = |stats: &Document, name: &str| number(stats, name).map(|bytes| bytes / MIB);
    let indexes = stats.get_document("indexSizes").during("the sizes of indexes")?;
    let missing = || Trouble(format!("the collection's sizes were told so: {stats}"));
    Ok(Sizes {
        journey: mib(indexes, "journey").unwrap_or(f64::NAN),
        indexes: mib(&stats, "totalIndexSize").ok_or_else(missing)?,
        data: mib(&stats, "storageSize").ok_or_else(missing)?,
    })
}

/// The server counts in the smallest type that holds the number.
#[allow(clippy::cast_precision_loss)] // gigabytes
fn number(document: &Document, name: &str) -> Option<f64> {
    match document.get(name)? {
        Bson::Int32(number) => Some(f64::from(*number)),
        Bson::Int64(number) => Some(*number as f64),
        Bson::Double(number) => Some(*number),
        _ => None,
    }
}

async fn delete(database: &Database, filter: Document) -> Result<u64, Trouble> {
    let command = doc! {
        "delete": "events",
        "deletes": [{ "q": filter, "limit": 0 }],
        "writeConcern": { "w": "majority", "j": true },
    };
    let answer = database.handle().run_command(command).await.during("deleting events")?;
    let deleted = answer.get_i32("n").ok().and_then(|n| u64::try_from(n).ok());
    deleted
        .filter(|_| !answer.contains_key("writeErrors"))
        .ok_or_else(|| Trouble(format!("a deletion was answered {answer}")))
}

/// Where work began.
pub struct Began {
    cpu: Cpu,
    at: Instant,
}

impl Began {
    /// What came before is written by now.
    pub async fn now(database: &Database) -> Result<Self, Trouble> {
        database.settle().await?;
        Ok(Self { cpu: Cpu::of(database.pid())?, at: Instant::now() })
    }

    /// The work is done when what it left in memory is written as well.
    #[allow(clippy::cast_precision_loss)] // millions
    pub async fn ended(self, database: &Database, events: u64) -> Result<Work, Trouble> {
        database.settle().await?;
        let cpu = Cpu::of(database.pid())?.since(&self.cpu);
        let each = events as f64;
        Ok(Work {
            events,
            cpu_us: cpu.as_secs_f64() * 1e6 / each,
            per_second: each / self.at.elapsed().as_secs_f64(),
        })
    }
}
