//! Journeys, read over HTTP and, for comparison, by the bare driver.

use std::time::{Duration, Instant};

use bson::{Bson, DateTime, doc};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::user_name;
use crate::calendar;
use crate::connection::Connection;
use crate::database::Database;
use crate::instance::Instance;
use crate::numbers::percentiles;
use crate::processes::Cpu;
use crate::tally::latency_histogram;

/// Events on a page.
pub const PAGE: u32 = 100;

/// The years 0000 and 9999: the service bounds every journey by them.
pub const FIRST: i64 = -62_167_219_200_000;
pub const LAST: i64 = 253_402_300_799_999;

/// Reads one after the other, and what they took.
pub struct Reads {
    /// In microseconds.
    pub latency: Histogram<u64>,
    /// Microseconds of CPU for each, of whoever reads from the database.
    pub cpu_us: f64,
    /// Microseconds of mongod's CPU for each.
    pub mongod_us: f64,
}

impl Reads {
    /// Of so much CPU in all.
    #[allow(clippy::cast_precision_loss)] // thousands
    pub fn new(latency: Histogram<u64>, cpu: Duration, mongod: Duration) -> Self {
        let each_us = |cpu: Duration| cpu.as_secs_f64() * 1e6 / (latency.len() as f64).max(1.0);
        Self { cpu_us: each_us(cpu), mongod_us: each_us(mongod), latency }
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({
            "cpuUs": self.cpu_us,
            "mongodCpuUs": self.mongod_us,
            "latencyMs": percentiles(&self.latency),
        })
    }
}

/// A request for the page of a user's journey behind a cursor, or the first.
pub fn request(user: u32, cursor: Option<&str>, token: &str) -> Vec<u8> {
    let cursor = cursor.map_or_else(String::new, |cursor| {
        let encoded: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
        format!("&cursor={encoded}")
    });
    let user = user_name(user);
    format!(
        "GET /users/{user}/journey?limit={PAGE}{cursor} HTTP/1.1\r\nhost: bench\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// Reads a page, and gives it as JSON.
pub fn page(connection: &mut Connection, request: &[u8]) -> Result<Value, Trouble> {
    let status = connection.exchange(request).during("a journey")?;
    if status != 200 {
        let body = String::from_utf8_lossy(connection.body()).into_owned();
        return Err(Trouble(format!("a journey was answered {status}: {body}")));
    }
    serde_json::from_slice(connection.body()).during("a journey")
}

/// Sends these requests to a service, one after the other.
pub fn over_http(
    instance: &Instance,
    database: &Database,
    requests: impl IntoIterator<Item = Vec<u8>>,
) -> Result<Reads, Trouble> {
    tokio::task::block_in_place(|| {
        let mut connection = Connection::open(instance.address()).during("connecting")?;
        let mut latency = latency_histogram()?;
        let before = (Cpu::of(instance.pid())?, Cpu::of(database.pid())?);
        for request in requests {
            let started = Instant::now();
            let status = connection.exchange(&request).during("a read")?;
            latency.saturating_record(micros(started));
            if status != 200 {
                return Err(Trouble(format!("a read was answered {status}")));
            }
        }
        let cpu = Cpu::of(instance.pid())?.since(&before.0);
        let mongod = Cpu::of(database.pid())?.since(&before.1);
        Ok(Reads::new(latency, cpu, mongod))
    })
}

/// Reads the newest events of these users with the driver, and drops them as
/// they come: what no program on top of it can do without.
pub async fn bare(
    database: &Database,
    users: impl IntoIterator<Item = u32>,
) -> Result<Reads, Trouble> {
    let events = database.events();
    let has_periods = calendar::has_periods(database).await?;
    let mut latency = latency_histogram()?;
    let before = (Cpu::own()?, Cpu::of(database.pid())?);
    for user in users {
        let started = Instant::now();
        let bounds =
            doc! { "$gte": DateTime::from_millis(FIRST), "$lte": DateTime::from_millis(LAST) };
        let mut filter = doc! { "userId": user_name(user), "occurredAt": bounds };
        let mut order = doc! {};
        if has_periods {
            filter.insert("period", doc! { "$gte": Bson::MinKey });
            order.insert("period", -1);
        }
        order.extend(doc! { "occurredAt": -1, "arrival": -1 });
        let mut cursor = events
            .find(filter)
            .sort(order)
            .limit(i64::from(PAGE))
            .batch_size(PAGE + 1)
            .await
            .during("finding")?;
        while cursor.advance().await.during("finding")? {
            std::hint::black_box(cursor.current());
        }
        latency.saturating_record(micros(started));
    }
    let cpu = Cpu::own()?.since(&before.0);
    let mongod = Cpu::of(database.pid())?.since(&before.1);
    Ok(Reads::new(latency, cpu, mongod))
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
