//! The result, as a table that can go into a Markdown file.

use std::fmt;

use crate::fault::{Fault, StoreKind};
use crate::processors::verdict::Processing;
use crate::scene::Scene;
use crate::verdict::Verdict;

/// All results.
#[derive(Default)]
pub struct Table(Vec<Row>);

/// One fault on one store.
pub struct Row {
    fault: Fault,
    store: StoreKind,
    pub rounds: u32,
    /// Rounds that could not be carried out: the service did not come back, or
    /// did not end as it should.
    pub troubles: u32,
    sum: Verdict,
    /// Scenes in which defects of processing were made on purpose, and those in which they
    /// were found.
    planted: [u32; 2],
    skipped: Option<&'static str>,
}

impl Row {
    /// Nothing yet.
    pub fn new(fault: Fault, store: StoreKind) -> Self {
        Self {
            fault,
            store,
            rounds: 0,
            troubles: 0,
            sum: Verdict::default(),
            planted: [0; 2],
            skipped: None,
        }
    }

    /// A fault that cannot be injected here.
    pub fn skipped(fault: Fault, store: StoreKind, reason: &'static str) -> Self {
        Self { skipped: Some(reason), ..Self::new(fault, store) }
    }

    /// Adds what a scene came to.
    pub fn take_over(&mut self, scene: Option<Scene>) {
        if let Some(scene) = scene {
            self.sum += scene.last_verdict();
        }
    }

    /// Notes whether defects that were made on purpose were found.
    pub fn planted(&mut self, is_found: bool) {
        self.planted[0] += 1;
        self.planted[1] += u32::from(is_found);
    }

    fn is_clean(&self) -> bool {
        self.troubles == 0 && self.sum.is_clean()
    }
}

impl Table {
    /// Adds a result.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Whether lost events were found by each row in which there are any, and all that was
    /// planted by each.
    pub fn is_proven(&self) -> bool {
        let is_proven = |row: &Row| {
            let [planted, found] = row.planted;
            let is_lost = row.sum.lost > 0 || row.fault.is_of_pair();
            is_lost && planted > 0 && found == planted
        };
        self.0.iter().all(is_proven)
    }

    /// Whether no defect was found.
    pub fn is_clean(&self) -> bool {
        self.0.iter().all(Row::is_clean)
    }
}

const HEAD: [&str; 15] = [
    "fault",
    "store",
    "rounds",
    "accepted",
    "refused",
    "unanswered",
    "lost",
    "doubled",
    "reordered",
    "damaged",
    "invented",
    "torn",
    "misfiled",
    "misread",
    "unlinked",
];

/// Behind fault and store, in the table of processing.
const PROCESSING: [&str; 11] = [
    "requests",
    "processed",
    "failed",
    "skipped",
    "unprocessed",
    "invented",
    "overtaken",
    "overlapping",
    "repeated",
    "mismatched",
    "left",
];

impl Table {
    /// What became of events at processors, where there was any.
    fn write_processing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_processor = |row: &&Row| row.sum.processing != Processing::default();
        let rows: Vec<&Row> = self.0.iter().filter(has_processor).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n| at the processor | store | {} |", PROCESSING.join(" | "))?;
        writeln!(f, "|---|---|{}", "--:|".repeat(PROCESSING.len()))?;
        for row in rows {
            let sum = row.sum.processing;
            let counts = [
                sum.requests,
                sum.processed,
                sum.failed,
                sum.skipped,
                sum.unprocessed,
                sum.invented,
                sum.overtaken,
                sum.overlapping,
                sum.repeated,
                sum.mismatched,
                sum.left,
            ]
            .map(|count| count.to_string());
            let (fault, store) = (row.fault.name(), row.store.name());
            writeln!(f, "| {fault} | {store} | {} |", counts.join(" | "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", HEAD.join(" | "))?;
        writeln!(f, "|---|---|{}", "--:|".repeat(HEAD.len() - 2))?;
        for row in &self.0 {
            let (fault, store) = (row.fault.name(), row.store.name());
            let sum = row.sum;
            let counts = [
                u64::from(row.rounds),
                sum.accepted,
                sum.refused,
                sum.unanswered,
                sum.lost,
                sum.doubled,
                sum.reordered,
                sum.damaged,
                sum.invented,
                sum.torn,
                sum.misfiled,
                sum.misread,
                sum.unlinked,
            ]
            .map(|count| count.to_string());
            writeln!(f, "| {fault} | {store} | {} |", counts.join(" | "))?;
        }
        self.write_processing(f)?;
        writeln!(f)?;
        for row in &self.0 {
            let name = format!("{} on {}", row.fault.name(), row.store.name());
            if let Some(reason) = row.skipped {
                writeln!(f, "{name}: {reason}")?;
            }
            if row.sum.hit > 0 {
                let what = match row.fault {
                    Fault::Retention => "batches were older than the retention",
                    fault if fault.is_of_pair() => "batches were on a disk alone that was lost",
                    _ => "batches in the journal were damaged on purpose",
                };
                let (hit, gone) = (row.sum.hit, row.sum.hit_and_gone);
                writeln!(
                    f,
                    "{name}: {hit} {what}, and {gone} of them are missing; they do not count as \
                     lost"
                )?;
            }
            let [planted, found] = row.planted;
            if planted > 0 {
                writeln!(f, "{name}: planted defects were found in {found} of {planted} scenes")?;
            }
            if row.troubles > 0 {
                writeln!(f, "{name}: {} rounds could not be carried out", row.troubles)?;
            }
        }
        Ok(())
    }
}
