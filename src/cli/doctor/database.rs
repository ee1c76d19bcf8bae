//! The database: whether it answers, its clock, its indexes, its dead letters.

use std::time::Duration;

use trailkeep_store::{Clocks, Indexes, Inspection, Replacing};

use super::finding::Finding;
use super::words::count;

const DATABASE: &str = "database";
const CLOCK: &str = "clock";
const INDEXES: &str = "indexes";
const LETTERS: &str = "dead letters";

/// A database in the next room answers in a millisecond or two.
const SLOW: Duration = Duration::from_millis(100);

/// How far two clocks may be apart.
const APART_MS: u64 = 1000;

/// What a store says of itself.
pub enum Looked {
    /// It was looked at.
    At(Inspection),
    /// There is none yet, and a start makes it.
    NotYet,
    /// It could not be looked at.
    Failed {
        /// Why not.
        error: String,
        /// What to do about it.
        to_do: String,
    },
}

/// What follows. Of a database that does not answer nothing else is told.
pub fn judge(looked: &Looked, is_mongodb: bool) -> Vec<Finding> {
    let inspection = match looked {
        Looked::At(inspection) => inspection,
        Looked::NotYet => return vec![Finding::ok(DATABASE, "none yet; the first start makes it")],
        Looked::Failed { error, to_do } => {
            return vec![Finding::fail(DATABASE, error.as_str(), to_do.as_str())];
        }
    };
    vec![
        of_answer(inspection),
        of_clocks(inspection.clocks),
        of_indexes(&inspection.indexes, is_mongodb),
        of_letters(inspection.dead_letters),
    ]
}

fn of_answer(inspection: &Inspection) -> Finding {
    let Inspection { server, topology, durability, latency, .. } = inspection;
    let milliseconds = latency.as_secs_f64() * 1000.0;
    let found = format!("{server}, {topology}, {durability}; answers in {milliseconds:.2} ms");
    if *latency >= SLOW {
        return Finding::warn(
            DATABASE,
            found,
            "each write waits for that: bring the two nearer, or raise write.in_flight",
        );
    }
    Finding::ok(DATABASE, found)
}

fn of_clocks(clocks: Option<Clocks>) -> Finding {
    let Some(Clocks { server, own }) = clocks else {
        return Finding::ok(CLOCK, "the database has that of this machine");
    };
    let apart = own.as_millis() - server.as_millis();
    let direction = if apart < 0 { "behind" } else { "ahead of" };
    let found =
        format!("that of this machine is {} ms {direction} the database's", apart.unsigned_abs());
    if apart.unsigned_abs() > APART_MS {
        let to_do = "have both set by NTP: times of receipt and ends of sessions are by them";
        return Finding::warn(CLOCK, found, to_do);
    }
    Finding::ok(CLOCK, found)
}

fn of_indexes(indexes: &Indexes, is_mongodb: bool) -> Finding {
    let Indexes { present, missing, others, unsearched, unwanted, replacing } = indexes;
    if *present == 0 && others.is_empty() {
        return Finding::ok(INDEXES, "none yet; the first start makes them");
    }
    let mut found = format!("{present} as expected");
    if let Some(Replacing { progress }) = replacing {
        found.push_str("; that of journeys is an older version's");
        match progress {
            Some(progress) => found.push_str(&format!(", a new one is being built: {progress}")),
            None => found.push_str(", which a running service replaces"),
        }
    }
    if !others.is_empty() {
        found.push_str(&format!("; not ours: {}", others.join(", ")));
    }
    if !unwanted.is_empty() {
        let keys = unwanted.join(", ");
        found.push_str(&format!("; of payload keys that the settings do not name: {keys}"));
    }
    if !missing.is_empty() {
        let to_do = if is_mongodb {
            "restart the service: a start makes what is missing"
        } else {
            "stop the service and restore a backup: no start makes an index again that somebody \
             has dropped"
        };
        return Finding::fail(INDEXES, format!("{found}; missing: {}", missing.join(", ")), to_do);
    }
    if !unsearched.is_empty() {
        let found = format!("{found}; not searched yet: payload keys {}", unsearched.join(", "));
        let to_do = "wait for the service that runs, whose log says how far it is, or start it: \
                     it makes their indexes";
        return Finding::warn(INDEXES, found, to_do);
    }
    if !unwanted.is_empty() {
        let to_do = "the next start drops the latter, unless another instance's settings name \
                     them: give all instances the same search.payload_keys";
        return Finding::warn(INDEXES, found, to_do);
    }
    if !others.is_empty() {
        let to_do = "drop those that nobody uses: each costs every write";
        return Finding::warn(INDEXES, found, to_do);
    }
    Finding::ok(INDEXES, found)
}

fn of_letters(letters: u64) -> Finding {
    if letters == 0 {
        return Finding::ok(LETTERS, "none");
    }
    Finding::warn(
        LETTERS,
        format!("the database refused {} for good", count(letters, "event", "events")),
        "see why with GET /dead-letters, or with `trailkeep dead-letters list` and the embedded \
         store's service stopped; then retry or drop them",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::Timestamp;

    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn clocks_may_be_a_second_apart() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let level =
            |server, own| of_clocks(Some(Clocks { server: at(server), own: at(own) })).level;
        assert_eq!(level(10_000, 11_000), Level::Ok);
        assert_eq!(level(10_000, 11_001), Level::Warn);
        assert_eq!(level(11_001, 10_000), Level::Warn);
        assert_eq!(of_clocks(None).level, Level::Ok);
    }

    #[test]
    fn a_slow_answer_and_dead_letters_are_told() {
        let answers_in = |milliseconds| {
            of_answer(&Inspection {
                server: "MongoDB 7.0.14".to_owned(),
                topology: "standalone server".to_owned(),
                durability: "w: majority, j: true".to_owned(),
                latency: Duration::from_millis(milliseconds),
                clocks: None,
                indexes: Indexes::default(),
                dead_letters: 0,
            })
        };
        assert_eq!(answers_in(99).level, Level::Ok);
        assert_eq!(answers_in(100).level, Level::Warn);
        assert_eq!(of_letters(0).level, Level::Ok);
        let letters = of_letters(2);
        assert_eq!(letters.level, Level::Warn);
        assert!(letters.found.contains("2 events"), "{letters:?}");
    }

    #[test]
    fn a_missing_index_is_a_fault_and_a_strange_one_is_not() {
        let level = |present, missing: &[&str], others: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let (missing, others) = (owned(missing), owned(others));
            of_indexes(&Indexes { present, missing, others, ..Indexes::default() }, true).level
        };
        assert_eq!(level(3, &[], &[]), Level::Ok);
        assert_eq!(level(0, &["events.journey"], &[]), Level::Ok, "before the first start");
        assert_eq!(level(2, &["events.journey"], &[]), Level::Fail);
        assert_eq!(level(3, &[], &["events.mine"]), Level::Warn);
    }

    #[test]
    fn payload_keys_that_are_not_searched_or_not_wanted_are_told() {
        let keys = || vec!["orderId".to_owned()];
        let unsearched = Indexes { present: 3, unsearched: keys(), ..Indexes::default() };
        let unwanted = Indexes { present: 3, unwanted: keys(), ..Indexes::default() };
        for (indexes, words) in [
            (unsearched, "not searched yet: payload keys orderId"),
            (unwanted, "do not name: orderId"),
        ] {
            let finding = of_indexes(&indexes, false);
            assert_eq!(finding.level, Level::Warn);
            assert!(finding.found.contains(words), "{}", finding.found);
        }
    }

    #[test]
    fn an_index_that_is_being_replaced_is_told_with_how_far_that_is() {
        let found = |progress: Option<&str>| {
            let replacing = Some(Replacing { progress: progress.map(str::to_owned) });
            of_indexes(&Indexes { present: 3, replacing, ..Indexes::default() }, true).found
        };
        let scanning = found(Some("scanning collection, 42 %"));
        assert!(scanning.contains("is being built: scanning collection, 42 %"), "{scanning}");
        let waiting = found(None);
        assert!(waiting.contains("a running service replaces"), "{waiting}");
    }
}
