//! Work of five to six seconds for each event, at a thousand events a minute: whether any
//! is left behind, how soon each is begun, and what it takes of memory.
//!
//! Users take turns, so that none gets more than one after the other can be done.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::user_name;
use crate::bench::Bench;
use crate::connection::Connection;
use crate::database::Database;
use crate::example::Example;
use crate::findings::{Findings, Row};
use crate::instance::{Home, Instance};
use crate::numbered::{self, Numbered};
use crate::numbers::{milliseconds, percentiles};
use crate::processes::{Cpu, Memory};
use crate::tally::{latency_histogram, micros};

/// Both stores side by side: nearly all of it is waiting.
pub const STEPS: u64 = 1;
const DELAY_MS: &str = "5000..6000";
/// From one event to the next: a thousand a minute.
const INTERVAL: Duration = Duration::from_millis(60);
const LENGTH: Duration = Duration::from_secs(600);
const QUICK_LENGTH: Duration = Duration::from_secs(20);
/// Each has an event in 24 seconds.
const USERS: u32 = 400;
/// How long after the last event the work on it may end.
const LIMIT: Duration = Duration::from_secs(60);
const KIND: &str = "slow";
const MIB: f64 = 1024.0 * 1024.0;

/// Measures, one service for each store.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let length = if bench.arguments.quick { QUICK_LENGTH } else { LENGTH };
    let database = Database::start(&bench.arguments).await?;
    bench.progress.step(format!("slow work, {length:?} on both stores"));
    let (mongodb, embedded) = tokio::try_join!(
        work(bench, Home::Mongodb(&database), length),
        work(bench, Home::Embedded, length),
    )?;
    let mut rows = Vec::new();
    let mut figures = Map::new();
    for (name, worked) in [("MongoDB", mongodb), ("embedded", embedded)] {
        rows.extend(worked.rows(name));
        figures.insert(name.to_owned(), worked.to_json());
    }
    Ok(Findings { rows, figures: figures.into(), ..Findings::default() })
}

/// What came of it.
struct Worked {
    events: u32,
    /// That have no outcome when the time is over.
    left: u64,
    begun: Begun,
    most_in_flight: u64,
    peak_mib: f64,
    bound_mib: f64,
    service_cores: f64,
}

/// What the processor's log says.
struct Begun {
    /// From the 202 to the first request, in microseconds.
    after: Histogram<u64>,
    requests: u64,
    /// Events that were begun before one of their user's that was accepted earlier.
    overtaken: u64,
}

impl Worked {
    #[allow(clippy::cast_precision_loss)] // counts of events
    fn rows(&self, store: &str) -> Vec<Row> {
        let named = |what: &str| format!("slow work, {store}: {what}");
        let again = self.begun.requests as f64 - f64::from(self.events);
        let p99 = milliseconds(&self.begun.after, 0.99);
        vec![
            Row::at_most(named("events left behind"), self.left as f64, 0.0, ""),
            Row::at_most(named("events sent again"), again, 0.0, ""),
            Row::at_most(named("events overtaken"), self.begun.overtaken as f64, 0.0, ""),
            Row::at_most(named("p99 from the 202 to the request"), p99, 1000.0, "ms"),
            Row::figure(named("requests in flight, most"), self.most_in_flight as f64, ""),
            Row::at_most(named("memory, most"), self.peak_mib, self.bound_mib, "MiB"),
        ]
    }

    fn to_json(&self) -> Value {
        json!({
            "events": self.events, "left": self.left, "requests": self.begun.requests,
            "overtaken": self.begun.overtaken, "mostInFlight": self.most_in_flight,
            "peakMib": self.peak_mib, "boundMib": self.bound_mib,
            "serviceCores": self.service_cores, "begunAfterMs": percentiles(&self.begun.after),
        })
    }
}

async fn work(bench: &Bench, home: Home<'_>, length: Duration) -> Result<Worked, Trouble> {
    let folder = tempfile::TempDir::new_in(bench.starter.folder.path());
    let log = folder.during("a temporary folder")?.keep().join("processor.ndjson");
    let processor = Example::start(&bench.starter, DELAY_MS, Some(&log)).await?;
    let settings = [("PROCESSOR_URL", processor.url())];
    let instance = bench.starter.start(home, &settings).await?;
    let token = instance.make_token().await?;
    // Hashing a password takes memory that is not what is measured.
    let instance = instance.restart().await?;
    let events = u32::try_from(length.as_millis() / INTERVAL.as_millis()).unwrap_or(u32::MAX);
    let before = Cpu::of(instance.pid())?;
    let (address, begun) = (instance.address(), Instant::now());
    let posting = tokio::task::spawn_blocking(move || post(address, events));
    let (accepted, most_in_flight) = watch(&instance, &token, posting).await?;
    let ended = Instant::now();
    let mut processed = 0;
    while processed < u64::from(events) && ended.elapsed() < LIMIT {
        sleep(Duration::from_millis(100)).await;
        processed = instance.processed(&token).await?;
    }
    let cpu = Cpu::of(instance.pid())?.since(&before);
    let (peak, bound_mib) = (Memory::of(instance.pid())?.peak, instance.told_bound()?);
    instance.stop().await?;
    #[allow(clippy::cast_precision_loss)]
    Ok(Worked {
        events,
        left: u64::from(events).saturating_sub(processed),
        begun: read(&log, &accepted)?,
        most_in_flight,
        peak_mib: peak as f64 / MIB,
        bound_mib,
        service_cores: cpu.as_secs_f64() / begun.elapsed().as_secs_f64(),
    })
}

/// Sends events at their rate; gives when each was answered 202, in milliseconds of the
/// clock that the processor's log has too.
fn post(address: SocketAddr, events: u32) -> Result<Vec<i64>, Trouble> {
    let mut connection = Connection::open(address).during("connecting")?;
    let begun = Instant::now();
    let mut accepted = Vec::new();
    for number in 0..events {
        std::thread::sleep((INTERVAL * number).saturating_sub(begun.elapsed()));
        let user = user_name(number % USERS);
        let event = Numbered { user: &user, kind: KIND, number };
        numbered::post(&mut connection, &numbered::request(std::iter::once(event)))?;
        accepted.push(chrono::Utc::now().timestamp_millis());
    }
    Ok(accepted)
}

/// Waits until all is sent; gives the most requests that were seen in flight as well.
async fn watch(
    instance: &Instance,
    token: &str,
    posting: JoinHandle<Result<Vec<i64>, Trouble>>,
) -> Result<(Vec<i64>, u64), Trouble> {
    let mut most = 0;
    while !posting.is_finished() {
        let seen = instance.processor(token).await?;
        most = most.max(seen["inFlight"].as_u64().unwrap_or_default());
        sleep(Duration::from_secs(1)).await;
    }
    Ok((posting.await.during("posting events")??, most))
}

/// A line of the processor's log.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at: i64,
    what: String,
    event_id: String,
}

/// Reads the processor's log.
fn read(log: &Path, accepted: &[i64]) -> Result<Begun, Trouble> {
    let file = File::open(log).during("the processor's log")?;
    let lines = BufReader::new(file).lines();
    let lines = lines.map(|line| {
        let line = line.during("the processor's log")?;
        serde_json::from_str(&line).during("a line of the processor's log")
    });
    tell(lines.collect::<Result<Vec<Line>, Trouble>>()?, accepted)
}

fn tell(lines: Vec<Line>, accepted: &[i64]) -> Result<Begun, Trouble> {
    let mut begun = Begun { after: latency_histogram()?, requests: 0, overtaken: 0 };
    let mut first = vec![true; accepted.len()];
    let mut newest: HashMap<u32, u32> = HashMap::new();
    for line in lines.into_iter().filter(|line| line.what == "request") {
        begun.requests += 1;
        let number = numbered::read_id(&line.event_id).map(|(_, number)| number);
        let place = number.and_then(|number| usize::try_from(number).ok()).unwrap_or(usize::MAX);
        let (Some(number), Some(&at)) = (number, accepted.get(place)) else {
            return Err(Trouble(format!("{} was never posted", line.event_id)));
        };
        if !std::mem::take(&mut first[place]) {
            continue;
        }
        let after = Duration::from_millis(u64::try_from(line.at - at).unwrap_or(0));
        begun.after.saturating_record(micros(after));
        let newest = newest.entry(number % USERS).or_insert(number);
        begun.overtaken += u64::from(number < *newest);
        *newest = number.max(*newest);
    }
    Ok(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64, what: &str, number: u32) -> Line {
        Line { at, what: what.to_owned(), event_id: numbered::id(KIND, number) }
    }

    #[test]
    fn only_the_first_request_of_an_event_counts_and_order_is_each_users() {
        let accepted: Vec<i64> = (0..=i64::from(USERS)).collect();
        let lines = vec![
            line(50, "request", 1),
            line(60, "request", USERS),
            line(70, "request", 0),
            line(80, "answer", 1),
            line(90, "request", 1),
        ];
        let begun = tell(lines, &accepted).unwrap();
        assert_eq!((begun.requests, begun.overtaken), (4, 1));
        assert_eq!(begun.after.len(), 3);
        assert!(begun.after.max().abs_diff(70_000) < 100);
        assert!(tell(vec![line(0, "request", 9)], &accepted[..9]).is_err());
    }
}
