//! The result, as a table that can go into a Markdown file.

use std::fmt;

use crate::fault::{Fault, StoreKind};
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
    skipped: Option<&'static str>,
}

impl Row {
    /// Nothing yet.
    pub fn new(fault: Fault, store: StoreKind) -> Self {
        Self { fault, store, rounds: 0, troubles: 0, sum: Verdict::default(), skipped: None }
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

    fn is_clean(&self) -> bool {
        self.troubles == 0 && self.sum.is_clean()
    }
}

impl Table {
    /// Adds a result.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Whether lost events were found by each row.
    pub fn has_losses(&self) -> bool {
        self.0.iter().all(|row| row.sum.lost > 0)
    }

    /// Whether no defect was found.
    pub fn is_clean(&self) -> bool {
        self.0.iter().all(Row::is_clean)
    }
}

const HEAD: [&str; 14] = [
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
];

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
            ]
            .map(|count| count.to_string());
            writeln!(f, "| {fault} | {store} | {} |", counts.join(" | "))?;
        }
        writeln!(f)?;
        for row in &self.0 {
            let name = format!("{} on {}", row.fault.name(), row.store.name());
            if let Some(reason) = row.skipped {
                writeln!(f, "{name}: {reason}")?;
            }
            if row.sum.hit > 0 {
                writeln!(
                    f,
                    "{name}: {} batches in the journal were damaged on purpose, and {} of them \
                     are missing; they do not count as lost",
                    row.sum.hit, row.sum.hit_and_gone
                )?;
            }
            if row.troubles > 0 {
                writeln!(f, "{name}: {} rounds could not be carried out", row.troubles)?;
            }
        }
        Ok(())
    }
}
