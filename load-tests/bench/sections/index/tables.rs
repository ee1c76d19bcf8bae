//! The tables, and what a reader has to know about them.

use serde_json::{Map, Value, json};

use super::embedded;
use super::layouts::{Course, DAY, Layout};
use super::reading::{Kind, Read};
use super::writing::{Sizes, Work};
use crate::findings::{Findings, Table};
use crate::numbers::milliseconds;

const WRITING: [&str; 10] = [
    "layout",
    "mongod, us an event",
    "stored/s",
    "late: us an event",
    "late: stored/s",
    "expiry: us an event",
    "erasure: us an event",
    "journey index, MiB",
    "all indexes, MiB",
    "data, MiB",
];
const EMBEDDED: [&str; 11] = [
    "layout",
    "us an event",
    "stored/s",
    "bytes written an event",
    "file, MiB",
    "busy user: p50, ms",
    "p99, ms",
    "regular user: p50, ms",
    "p99, ms",
    "rare user: p50, ms",
    "p99, ms",
];

/// One of a read's.
type Figure = fn(&Read) -> f64;

/// A size and a span, as titles have them.
#[allow(clippy::cast_precision_loss)] // millions
pub fn describe(course: Course) -> String {
    let days = course.span / DAY;
    format!("{} million events in {days} days", course.events as f64 / 1e6)
}

/// What was measured of a layout on MongoDB.
pub struct Measured {
    pub settled: Work,
    pub sizes: Sizes,
    pub late: Work,
    pub expiry: Option<Work>,
    pub erasure: Option<Work>,
    pub reads: Vec<(Kind, Read)>,
}

impl Measured {
    fn to_json(&self) -> Value {
        let work = |work: &Option<Work>| work.map(Work::to_json);
        let reads = self.reads.iter().map(|(kind, read)| (kind.name(), read.to_json()));
        json!({
            "settled": self.settled.to_json(), "sizes": self.sizes.to_json(),
            "late": self.late.to_json(), "expiry": work(&self.expiry),
            "erasure": work(&self.erasure),
            "reads": reads.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// All layouts on MongoDB in one size.
pub struct Pass {
    course: Course,
    measured: Vec<(Layout, Measured)>,
}

impl Pass {
    /// Nothing is measured yet.
    pub fn over(course: Course) -> Self {
        Self { course, measured: Vec::new() }
    }

    /// One more layout.
    pub fn add(&mut self, layout: Layout, measured: Measured) {
        self.measured.push((layout, measured));
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        let layouts = self.measured.iter();
        let layouts = layouts.map(|(layout, found)| (layout.name().to_owned(), found.to_json()));
        json!({
            "store": "mongodb", "events": self.course.events, "days": self.course.span / DAY,
            "layouts": layouts.collect::<Map<_, _>>(),
        })
    }

    /// Adds its tables.
    pub fn report(&self, findings: &mut Findings) {
        if self.measured.is_empty() {
            return;
        }
        let about = describe(self.course);
        findings.tables.push(self.writing(&format!("Index for journeys, {about}: writing")));
        let figures: [(&str, Figure); 3] = [
            ("us of mongod a page", |read| read.reads.mongod_us),
            ("p50 of a page, ms", |read| milliseconds(&read.reads.latency, 0.5)),
            ("p99 of a page, ms", |read| milliseconds(&read.reads.latency, 0.99)),
        ];
        for (name, figure) in figures {
            let title = format!("Index for journeys, {about}: {name}");
            findings.tables.extend(self.reading(&title, figure));
        }
        let notes = [
            ("Sorted by the server after all was gathered", self.reads_that(|read| read.is_sorted)),
            (
                "Fewer requests than of the others, for one takes long",
                self.reads_that(|read| read.is_cut),
            ),
        ];
        for (what, reads) in notes {
            if !reads.is_empty() {
                findings.notes.push(format!("{about}. {what}: {}.", reads.join("; ")));
            }
        }
    }

    fn writing(&self, title: &str) -> Table {
        let mut table = Table::new(title, &WRITING);
        for (layout, found) in &self.measured {
            let cpu = |work: Option<Work>| work.map_or(f64::NAN, |work| work.cpu_us);
            let figures = [
                found.settled.cpu_us,
                found.settled.per_second,
                found.late.cpu_us,
                found.late.per_second,
                cpu(found.expiry),
                cpu(found.erasure),
                found.sizes.journey,
                found.sizes.indexes,
                found.sizes.data,
            ];
            table.add(layout.name(), &figures);
        }
        table
    }

    /// A row for each kind of read, a column for each layout.
    fn reading(&self, title: &str, figure: Figure) -> Option<Table> {
        let read: Vec<_> = self.measured.iter().filter(|(layout, _)| layout.is_read()).collect();
        let names = read.iter().map(|(layout, _)| layout.name());
        let columns: Vec<&str> = ["100 newest events"].into_iter().chain(names).collect();
        let mut table = Table::new(title, &columns);
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            let figures = read.iter().map(|(_, found)| found.reads.get(index));
            let figures: Option<Vec<f64>> =
                figures.map(|read| read.map(|(_, read)| figure(read))).collect();
            // Nothing is read in some passes.
            table.add(kind.name(), &figures?);
        }
        (!read.is_empty()).then_some(table)
    }

    fn reads_that(&self, is: fn(&Read) -> bool) -> Vec<String> {
        let of = |(layout, found): &(Layout, Measured)| {
            let reads = found.reads.iter().filter(|(_, read)| is(read));
            let names: Vec<String> = reads.map(|(kind, _)| kind.name()).collect();
            (!names.is_empty()).then(|| format!("{}: {}", layout.name(), names.join(", ")))
        };
        self.measured.iter().filter_map(of).collect()
    }
}

/// Adds the table of the embedded store in one size; gives what goes into the
/// results.
pub fn embedded(
    course: Course,
    measured: &[(Layout, embedded::Measured)],
    findings: &mut Findings,
) -> Value {
    let title = format!("Index for journeys, embedded store, {}", describe(course));
    let mut table = Table::new(&title, &EMBEDDED);
    for (layout, found) in measured {
        table.add(layout.name(), &found.figures());
    }
    if !measured.is_empty() {
        findings.tables.push(table);
    }
    let layouts = measured.iter();
    let layouts = layouts.map(|(layout, found)| (layout.name().to_owned(), found.to_json()));
    json!({
        "store": "embedded", "events": course.events, "days": course.span / DAY,
        "layouts": layouts.collect::<Map<_, _>>(),
    })
}

/// What the columns mean.
pub fn explanation(scale: u64) -> String {
    let mut text = "Of the index for journeys: what writing costs counts from one `fsync` of \
        `mongod` to the next, and so does `stored/s`. Late events happened in the last seven \
        days; what expires is the oldest 1 %, at most 300,000 events; 200 regular users are \
        erased. Without an index nothing is read or erased. An embedded file is written in \
        transactions of 500 events, synced each, from the middle of a period on."
        .to_owned();
    if scale > 1 {
        text.push_str(&format!(
            " This was a quick run, so a period by count holds 1/{scale} of its events."
        ));
    }
    text
}
