//! What people read: two tables a placement, and the rows that are promised.

use std::fs;
use std::path::Path;

use trailkeep_testkit::trouble::{Trouble, While as _};

use super::lost::Toll;
use super::peer::Peer;
use super::rate;
use super::round::{BATCHES, Load, Placed};
use super::site::Placement;
use crate::findings::{Findings, Row, Table, digits};
use crate::numbers::Samples;

const MIB: f64 = 1024.0 * 1024.0;
/// How many times less CPU an event takes than with Express, in batches of each size.
const TIMES_LESS: [f64; 3] = [10.0, 10.0, 12.0];
/// Around what a run writes into a document.
const BEGIN: &str = "<!-- written by load-tests/versus/run: begin -->\n";
const END: &str = "<!-- written by load-tests/versus/run: end -->\n";

/// The tables of a placement.
pub fn of(placed: &Placed) -> Vec<Table> {
    let mut tables = vec![costs(placed)];
    if placed.placement == Placement::Shared {
        tables.push(promises(placed));
    }
    tables
}

/// What is promised of Trailkeep, and what was found.
pub fn rows(placed: &[Placed]) -> Vec<Row> {
    let shared = placed.iter().find(|placed| placed.placement == Placement::Shared);
    let Some(shared) = shared else { return Vec::new() };
    let Some(ours) = shared.of(Peer::Trailkeep) else { return Vec::new() };
    let mut rows = Vec::new();
    for (victim, toll) in [("collector", ours.collector_killed), ("database", ours.database_killed)]
    {
        let toll = toll.map_or(f64::NAN, |toll| (toll.lost + toll.doubled) as f64);
        rows.push(Row::at_most(format!("lost or doubled, {victim} killed"), toll, 0.0, ""));
    }
    if let Some(express) = shared.of(Peer::Express) {
        for (batch, target) in BATCHES.into_iter().zip(TIMES_LESS) {
            let times = express.everything_us(batch) / ours.everything_us(batch);
            let what = format!("CPU for an event in batches of {batch}, less than Express by");
            rows.push(Row::at_least(what, times, target, "times"));
        }
    }
    if let Some(fastify) = shared.of(Peer::Fastify) {
        let times = ours.p99_ms.median() / fastify.p99_ms.median();
        let what = "p99 of the 202 against Fastify with `j: true` at the same rate";
        rows.push(Row::at_most(what, times, 1.0, "times"));
    }
    rows
}

fn costs(placed: &Placed) -> Table {
    let whose = match placed.placement {
        Placement::Shared => "Everybody on the same cores",
        Placement::Apart => "`mongod` on half of the cores, everybody else on the other",
    };
    let title = format!(
        "{whose}: batches of 1 / 10 / 100, p99 at {} requests of {} a second",
        digits(placed.rate.round()),
        rate::BATCH,
    );
    let columns = [
        "",
        "own CPU, us an event",
        "all CPU, us an event",
        "times Trailkeep's",
        "stored a second",
        "refused, %",
        "memory, MiB",
        "p99 of the 202, ms",
    ];
    let mut table = Table::new(&title, &columns);
    let ours = placed.of(Peer::Trailkeep);
    for (peer, found) in &placed.found {
        let each = |of: fn(&Load) -> &Samples| {
            joined(|batch| found.batches.get(&batch).map_or(f64::NAN, |load| of(load).median()))
        };
        let times = ours.map_or_else(String::new, |ours| {
            joined(|batch| found.everything_us(batch) / ours.everything_us(batch))
        });
        table.rows.push(vec![
            peer.name().to_owned(),
            each(|load| &load.collector_us),
            each(|load| &load.everything_us),
            times,
            each(|load| &load.stored_per_second),
            each(|load| &load.refused),
            digits(found.memory.highest() / MIB),
            digits(found.p99_ms.median()),
        ]);
    }
    table
}

/// A figure for batches of each size.
fn joined(figure: impl Fn(usize) -> f64) -> String {
    BATCHES.map(|batch| digits(figure(batch))).join(" / ")
}

fn promises(placed: &Placed) -> Table {
    let columns = [
        "",
        "a 202 means that the event is",
        "lost, collector killed",
        "lost, database killed",
        "doubled",
        "newest 100 of a user, ms",
        "beside MongoDB there is to run",
    ];
    let mut table = Table::new("What a 202 is worth", &columns);
    for (peer, found) in &placed.found {
        let tolls = [found.collector_killed, found.database_killed];
        let doubled: u64 = tolls.iter().flatten().map(|toll| toll.doubled).sum();
        table.rows.push(vec![
            peer.name().to_owned(),
            peer.meaning().to_owned(),
            lost(found.collector_killed),
            lost(found.database_killed),
            doubled.to_string(),
            found.read_ms.map_or_else(|| "nobody reads".to_owned(), digits),
            peer.parts().to_owned(),
        ]);
    }
    table
}

fn lost(toll: Option<Toll>) -> String {
    let said = |toll: Toll| format!("{} of {}", toll.lost, toll.accepted);
    toll.map_or_else(|| "has none".to_owned(), said)
}

/// Puts the tables, below what they were made on, into a document, in the place of those of
/// the last run.
pub fn put_into(document: &Path, made: &str, findings: &Findings) -> Result<(), Trouble> {
    let mut tables = format!("\n{made}\n");
    for table in &findings.tables {
        tables.push_str(&format!("\n{}:\n\n{}", table.title, table.to_markdown()));
    }
    for note in &findings.notes {
        tables.push_str(&format!("\n{note}\n"));
    }
    let text = fs::read_to_string(document).during("the document")?;
    let place = format!("{} has no place for the tables", document.display());
    let text = replaced(&text, &tables).ok_or(Trouble(place))?;
    fs::write(document, text).during("the document")
}

fn replaced(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::super::round::Found;
    use super::*;

    #[test]
    fn the_tables_of_the_last_run_are_replaced_and_nothing_else() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let expected = format!("before\n{BEGIN}\nnew\n\n{END}after\n");
        assert_eq!(replaced(&text, "\nnew\n").unwrap(), expected);
        assert!(replaced("nothing\n", "new\n").is_none());
    }

    #[test]
    fn an_event_that_is_lost_is_a_row_that_is_not_met() {
        let toll = |lost| Some(Toll { accepted: 9, lost, doubled: 0 });
        let (collector_killed, database_killed) = (toll(1), toll(0));
        let ours = Found { collector_killed, database_killed, ..Found::default() };
        let placed = Placed {
            placement: Placement::Shared,
            rate: 1.0,
            found: vec![(Peer::Trailkeep, ours)],
        };
        let rows = rows(&[placed]);
        assert_eq!(
            rows.iter().map(|row| row.is_met).collect::<Vec<_>>(),
            [Some(false), Some(true)]
        );
    }
}
