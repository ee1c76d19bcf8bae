//! What an index for journeys costs and gives, by its layout and by the size of
//! the collection. The bare driver writes and reads; no service takes part.

pub mod data;
mod embedded;
pub mod layouts;
mod reading;
mod rows;
mod tables;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use trailkeep_testkit::trouble::Trouble;

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::database::Database;
use crate::findings::{Findings, Row};
use data::{BEGIN, Inserter};
use layouts::{Course, DAY, Layout, TWO_YEARS};
use reading::{Amount, Kind};
use tables::{Measured, Pass};

const SEVEN_DAYS: u64 = 7 * DAY;
/// The embedded store is not made for more.
const MOST_EMBEDDED: u64 = 10_000_000;

/// How much is done after the filling.
struct Amounts {
    settled: u64,
    late: u64,
    embedded: u64,
    reads: Amount,
    /// What a period of so many events is divided by.
    scale: u64,
}

impl Amounts {
    fn of(arguments: &Arguments) -> Self {
        match arguments.quick {
            true => Self {
                settled: 20_000,
                late: 5_000,
                embedded: 10_000,
                reads: Amount { requests: 30, patience: Duration::from_millis(500) },
                scale: 100,
            },
            false => Self {
                settled: 1_000_000,
                late: 100_000,
                embedded: 100_000,
                reads: Amount { requests: 300, patience: Duration::from_secs(10) },
                scale: 1,
            },
        }
    }
}

/// How many steps it takes.
pub fn steps(arguments: &Arguments) -> u64 {
    let mongodb = passes(arguments).len() * arguments.layouts(&Layout::MONGODB).len();
    let embedded = embedded_sizes(arguments).len() * arguments.layouts(&Layout::EMBEDDED).len();
    (2 * mongodb + embedded) as u64
}

/// Every size over two years, and the largest but one over seven days: a period by
/// the calendar is as large as the traffic is.
fn passes(arguments: &Arguments) -> Vec<Course> {
    let sizes = arguments.sizes();
    let last_but_one = sizes.iter().rev().nth(1).or(sizes.last()).copied();
    let over = |span| move |events| Course { begin: BEGIN, span, events };
    let years = sizes.into_iter().map(over(TWO_YEARS));
    years.chain(last_but_one.map(over(SEVEN_DAYS))).collect()
}

fn embedded_sizes(arguments: &Arguments) -> Vec<u64> {
    arguments.sizes().into_iter().filter(|&events| events <= MOST_EMBEDDED).collect()
}

/// Measures each layout in each size.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let amounts = Amounts::of(&bench.arguments);
    let mut run = Run { bench, amounts, findings: Findings::default(), failed: 0 };
    let mut figures = Vec::new();
    for course in passes(&bench.arguments) {
        figures.push(run.on_mongodb(course).await);
    }
    for events in embedded_sizes(&bench.arguments) {
        let course = Course { begin: BEGIN, span: TWO_YEARS, events };
        figures.push(run.on_the_embedded_store(course).await);
    }
    let Run { mut findings, failed, amounts, .. } = run;
    findings.notes.push(tables::explanation(amounts.scale));
    let failed = f64::from(failed);
    findings.rows.push(Row::at_most("index: measurements that failed", failed, 0.0, ""));
    findings.figures = figures.into();
    Ok(findings)
}

struct Run<'a> {
    bench: &'a Bench,
    amounts: Amounts,
    findings: Findings,
    failed: u32,
}

impl Run<'_> {
    async fn on_mongodb(&mut self, course: Course) -> Value {
        let mut pass = Pass::over(course);
        for layout in self.bench.arguments.layouts(&Layout::MONGODB) {
            let name = format!("index, {}, {}", tables::describe(course), layout.name());
            let found = measure(self.bench, &self.amounts, course, layout, &name).await;
            if let Some(measured) = self.unless_it_failed(&name, found) {
                pass.add(layout, measured);
            }
        }
        pass.report(&mut self.findings);
        pass.to_json()
    }

    async fn on_the_embedded_store(&mut self, course: Course) -> Value {
        let arguments = &self.bench.arguments;
        let folder = arguments.mongod_dir();
        let amount = (self.amounts.embedded, self.amounts.scale);
        let mut measured = Vec::new();
        for layout in arguments.layouts(&Layout::EMBEDDED) {
            let name = format!("index, embedded, {}, {}", tables::describe(course), layout.name());
            self.bench.progress.step(name.as_str());
            let found = embedded::measure(&folder, layout, course, amount, arguments.seed).await;
            let found = self.unless_it_failed(&name, found);
            measured.extend(found.map(|found| (layout, found)));
        }
        tables::embedded(course, &measured, &mut self.findings)
    }

    /// One that fails does not take the others with it: all of them together take
    /// long.
    fn unless_it_failed<T>(&mut self, name: &str, found: Result<T, Trouble>) -> Option<T> {
        let trouble = match found {
            Ok(measured) => return Some(measured),
            Err(trouble) => trouble,
        };
        self.failed += 1;
        let text = format!("{name} failed: {trouble}");
        self.bench.progress.say(&text);
        self.findings.notes.push(text);
        None
    }
}

/// A server of its own for each: none finds another's events in its cache.
async fn measure(
    bench: &Bench,
    amounts: &Amounts,
    course: Course,
    layout: Layout,
    name: &str,
) -> Result<Measured, Trouble> {
    bench.progress.step(format!("{name}, filling"));
    let database = Arc::new(Database::start(&bench.arguments).await?);
    writing::make(&database, layout).await?;
    let periods = layout.periods(course, amounts.scale);
    let seed = bench.arguments.seed;
    let mut inserter = Inserter::new(Arc::clone(&database), course, periods, seed);
    inserter.insert(course.events).await?;

    bench.progress.step(format!("{name}, measuring"));
    let settled = writing::settled(&mut inserter, amounts.settled).await?;
    let sizes = writing::sizes(&database).await?;
    let is_long = course.span > SEVEN_DAYS;
    let mut reads = Vec::new();
    if is_long && layout.is_read() {
        for kind in Kind::ALL {
            reads.push((kind, reading::measure(&inserter, kind, amounts.reads).await?));
        }
    }
    let late = writing::late(&mut inserter, amounts.late).await?;
    let expiry = match is_long {
        true => Some(writing::expire(&inserter).await?),
        false => None,
    };
    let erasure = match is_long && layout.is_read() {
        true => Some(writing::erase(&inserter).await?),
        false => None,
    };
    bench.progress.say(&format!("{:.1} us of mongod for an event, settled", settled.cpu_us));
    Ok(Measured { settled, sizes, late, expiry, erasure, reads })
}
