//! One user whose first event the processor refuses, with 100,000 events behind it, and
//! others at a steady, modest rate: what they notice, and what the service holds, against
//! the same load with a user whose events do not fail. Then the service is started again,
//! the processor takes the event, and all that waited has to come in order, once.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use bson::doc;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::sleep;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::bench::{Bench, Site};
use crate::connection::Connection;
use crate::findings::{Findings, Row};
use crate::instance::{Home, Instance};
use crate::numbered::{self, Numbered};
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::processes::Memory;
use crate::refusing::Refusing;
use crate::steady::Steady;
use crate::tally::{latency_histogram, micros};

/// Events behind the first.
const BEHIND: u32 = 100_000;
/// Of one request.
const TOGETHER: usize = 100;
const USER: &str = "crowd";
/// How long it may take until the user is parked, until others' events are delivered, and
/// until a first event is sent again.
const SOON: Duration = Duration::from_secs(60);
/// How long all of one user's events may take, which go one after the other.
const LIMIT: Duration = Duration::from_secs(900);
/// After which memory is what is needed: free pages are given back after two seconds.
const SETTLING: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
const MIB: f64 = 1024.0 * 1024.0;

/// How many steps it takes.
pub fn steps(rounds: u64) -> u64 {
    rounds + 2
}

/// Measures a user that does not fail, then one that does in each round, and mends it in
/// the last.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    bench.progress.step(format!("failing head, {BEHIND} events of a user that does not fail"));
    let scene = Scene::begin(bench, &site, false).await?;
    let mut found = Found::beside(scene.watch().await?);
    let mut last = scene;
    for round in 1..=bench.arguments.rounds() {
        last.instance.stop().await?;
        bench.progress.step(format!("failing head, behind one that fails, round {round}"));
        last = Scene::begin(bench, &site, true).await?;
        found.add(&last.watch().await?);
    }
    bench.progress.step("failing head, a restart, and then it is mended");
    Ok(found.findings(&last.mend().await?))
}

/// What all rounds found.
struct Found {
    /// The user that does not fail.
    well: Watched,
    beside: Samples,
    coming: Samples,
    more_mib: Samples,
    rounds: Vec<Value>,
}

impl Found {
    fn beside(well: Watched) -> Self {
        let none = Samples::default();
        let (beside, coming, more_mib) = (none.clone(), none.clone(), none);
        Self { well, beside, coming, more_mib, rounds: Vec::new() }
    }

    fn add(&mut self, failing: &Watched) {
        self.beside.push(p99(&failing.beside) / p99(&failing.before));
        self.coming.push(p99(&failing.coming) / p99(&self.well.coming));
        self.more_mib.push(failing.mib - self.well.mib);
        self.rounds.push(failing.to_json());
    }

    fn findings(self, mended: &Mended) -> Findings {
        let named = |what: &str| format!("failing head: {what}");
        #[allow(clippy::cast_precision_loss)] // counts of events
        let (misplaced, missing) = (mended.misplaced as f64, mended.missing as f64);
        let rows = vec![
            Row::at_most(
                named("p99 of others' wait beside it, against before"),
                self.beside.median(),
                1.2,
                "",
            ),
            Row::figure(
                named("the same while the events come, against one that does not fail"),
                self.coming.median(),
                "",
            ),
            Row::at_most(
                named("memory, more than with one that does not fail"),
                self.more_mib.median(),
                4.0,
                "MiB",
            ),
            Row::at_most(named("out of place or twice, once mended"), misplaced, 0.0, ""),
            Row::at_most(named("without an outcome then"), missing, 0.0, ""),
            Row::figure(named("deliveries/s of this one user"), mended.per_second, ""),
        ];
        let figures = json!({
            "besideRatio": self.beside.to_json(), "comingRatio": self.coming.to_json(),
            "moreMib": self.more_mib.to_json(), "well": self.well.to_json(), "failing": self.rounds,
            "mended": { "perSecond": mended.per_second, "refusedBefore": mended.refused },
        });
        Findings { rows, figures, ..Findings::default() }
    }
}

fn p99(waits: &Histogram<u64>) -> f64 {
    milliseconds(waits, 0.99)
}

/// A service, its processor, and who posts.
struct Scene<'a> {
    bench: &'a Bench,
    site: &'a Site,
    processor: Refusing,
    instance: Instance,
    fails: bool,
}

/// What others noticed, from the 202 to the processor, and what the service held.
struct Watched {
    before: Histogram<u64>,
    /// While the one user's events come.
    coming: Histogram<u64>,
    /// Once all of them are there.
    beside: Histogram<u64>,
    /// In the end: the user is parked, or all of its events are delivered.
    mib: f64,
}

/// What became of the one user's events.
struct Mended {
    misplaced: usize,
    missing: u64,
    per_second: f64,
    /// How often the first one was refused, the restart included.
    refused: u64,
}

impl Watched {
    fn to_json(&self) -> Value {
        json!({
            "beforeMs": percentiles(&self.before), "comingMs": percentiles(&self.coming),
            "besideMs": percentiles(&self.beside), "mib": self.mib,
        })
    }
}

impl<'a> Scene<'a> {
    async fn begin(bench: &'a Bench, site: &'a Site, fails: bool) -> Result<Self, Trouble> {
        site.database.drop_events().await?;
        site.database.forget_processors().await?;
        let processor = Refusing::start(USER, fails).await?;
        let settings = [("PROCESSOR_URL", processor.url())];
        let instance = bench.starter.start(Home::Mongodb(&site.database), &settings).await?;
        site.database.settle().await?;
        Ok(Self { bench, site, processor, instance, fails })
    }

    async fn watch(&self) -> Result<Watched, Trouble> {
        let steady = Steady::start(self.instance.address())?;
        sleep(self.bench.arguments.warm_up()).await;
        let before = self.span().await;
        let begun = Instant::now();
        let address = self.instance.address();
        tokio::task::block_in_place(|| post(address))?;
        let coming = begun..Instant::now();
        if self.fails {
            self.until("the user is not parked", SOON, async || {
                let seen = self.instance.processor(&self.site.token).await?;
                Ok(seen["parkedUsers"].as_u64() > Some(0))
            })
            .await?;
        }
        sleep(self.bench.arguments.warm_up()).await;
        let beside = self.span().await;
        if !self.fails {
            self.until("the events are not delivered", LIMIT, async || Ok(self.has_all())).await?;
        }
        sleep(SETTLING).await;
        #[allow(clippy::cast_precision_loss)]
        let mib = Memory::of(self.instance.pid())?.resident as f64 / MIB;
        let accepted = tokio::task::block_in_place(|| steady.stop())?;
        self.until("others' events are not delivered", SOON, async || {
            Ok(self.processor.others().len() >= accepted.len())
        })
        .await?;
        let waits = |span| waits(&accepted, &self.processor.others(), &span);
        Ok(Watched { before: waits(before)?, coming: waits(coming)?, beside: waits(beside)?, mib })
    }

    /// Starts the service again, and has the processor take what it refused.
    async fn mend(self) -> Result<Mended, Trouble> {
        let before = self.processor.refused();
        let scene = Self { instance: self.instance.restart().await?, ..self };
        scene
            .until("the first event is not sent again", SOON, async || {
                Ok(scene.processor.refused() > before)
            })
            .await?;
        scene.processor.mend();
        let begun = Instant::now();
        scene.until("the events are not delivered", LIMIT, async || Ok(scene.has_all())).await?;
        let seconds = begun.elapsed().as_secs_f64();
        sleep(SETTLING).await;
        let outcomes = scene.site.database.handle().collection::<bson::Document>("processedEvents");
        let kept = outcomes.count_documents(doc! { "userId": USER, "state": "processed" }).await;
        let kept = kept.during("counting outcomes")?;
        let (numbers, refused) = (scene.processor.numbers(), scene.processor.refused());
        scene.instance.stop().await?;
        Ok(Mended {
            misplaced: misplaced(&numbers),
            missing: u64::from(BEHIND + 1).saturating_sub(kept),
            per_second: f64::from(BEHIND) / seconds,
            refused,
        })
    }

    fn has_all(&self) -> bool {
        self.processor.taken() > BEHIND as usize
    }

    /// From now on, for as long as is measured.
    async fn span(&self) -> Range<Instant> {
        let begun = Instant::now();
        sleep(self.bench.arguments.window()).await;
        begun..Instant::now()
    }

    async fn until(
        &self,
        trouble: &str,
        limit: Duration,
        is_so: impl AsyncFn() -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        let begun = Instant::now();
        while !is_so().await? {
            if begun.elapsed() > limit {
                let taken = self.processor.taken();
                return Err(Trouble(format!("{trouble} after {limit:?}; {taken} were taken")));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Posts the one user's events, as fast as they are taken.
fn post(address: SocketAddr) -> Result<(), Trouble> {
    let mut connection = Connection::open(address).during("connecting")?;
    let numbers: Vec<u32> = (0..=BEHIND).collect();
    for some in numbers.chunks(TOGETHER) {
        let events = some.iter().map(|&number| Numbered { user: USER, kind: USER, number });
        numbered::post(&mut connection, &numbered::request(events))?;
    }
    Ok(())
}

/// How long events waited that were accepted in this span.
fn waits(
    accepted: &[Instant],
    came: &[(u32, Instant)],
    span: &Range<Instant>,
) -> Result<Histogram<u64>, Trouble> {
    let mut waits = latency_histogram()?;
    for (number, came) in came {
        let place = usize::try_from(*number).unwrap_or(usize::MAX);
        if let Some(at) = accepted.get(place).filter(|at| span.contains(*at)) {
            waits.saturating_record(micros(came.saturating_duration_since(*at)));
        }
    }
    Ok(waits)
}

/// How many of the events that were taken are not where they belong; one that is missing,
/// or there twice, moves all that follow.
fn misplaced(numbers: &[u32]) -> usize {
    let wrong = (0..=BEHIND).zip(numbers).filter(|(place, number)| place != *number).count();
    wrong + numbers.len().abs_diff(BEHIND as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_twice_or_overtaken_is_out_of_place() {
        let all: Vec<u32> = (0..=BEHIND).collect();
        assert_eq!(misplaced(&all), 0);
        assert_eq!(misplaced(&all[..all.len() - 1]), 1);
        let mut overtaken = all.clone();
        overtaken.swap(7, 8);
        assert_eq!(misplaced(&overtaken), 2);
        let mut twice = all;
        twice.push(BEHIND);
        assert_eq!(misplaced(&twice), 1);
    }

    #[test]
    fn only_what_was_accepted_in_the_span_counts() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let accepted = [at(0), at(10), at(20), at(30)];
        let came = [(0, at(500)), (1, at(15)), (2, at(19)), (3, at(500))];
        let waits = waits(&accepted, &came, &(at(10)..at(30))).unwrap();
        assert_eq!(waits.len(), 2);
        // One may come before its 202 does.
        assert_eq!(waits.max(), 5_003);
        assert!(waits.min() <= 1);
    }
}
