//! How the service is, in plain words, and what somebody has to know or to mend.

use trailkeep_event::Timestamp;

use crate::console::numbers::counted;
use crate::console::sight::{Sight, When, length};
use crate::ingest::room::Amount;
use crate::monitoring::health::{Health, Unready};

/// One word for the whole.
pub struct State {
    pub class: &'static str,
    pub icon: &'static str,
    pub word: &'static str,
}

/// Something that is wrong.
pub struct Trouble {
    /// Whether events are refused for it.
    pub is_bad: bool,
    pub icon: &'static str,
    pub what: String,
    pub since: Option<When>,
    /// What follows from it.
    pub so: String,
}

/// What the words are made of.
pub struct Seen<'a> {
    pub health: &'a Health,
    /// Since when the database has not answered, or has taken nothing.
    pub failing_since: Option<Timestamp>,
    pub held: Amount,
    pub limit: Amount,
    /// Events a second that come in and are not stored.
    pub growth: f64,
}

impl State {
    /// Of the service.
    pub fn of(health: &Health) -> Self {
        let (class, icon, word) = match health.readiness() {
            Err(Unready::Starting) => ("warn", "clock", "Starting"),
            Err(Unready::Draining) => ("warn", "clock", "Stopping"),
            Err(Unready::Journal | Unready::Full) => ("bad", "error", "Refuses events"),
            Ok(()) if health.is_well() => ("good", "check", "Well"),
            Ok(()) => ("warn", "warn", "Degraded"),
        };
        Self { class, icon, word }
    }
}

impl Seen<'_> {
    /// All that is wrong, what is worst first.
    pub fn troubles(&self, sight: &Sight) -> Vec<Trouble> {
        let health = self.health;
        let since = self.failing_since.map(|since| sight.since(since));
        let readiness = health.readiness();
        let mut troubles = Vec::new();
        match readiness {
            Err(Unready::Journal) => troubles.push(Trouble::refusing(
                if health.is_disk_short() {
                    "The disk is nearly full: events are refused"
                } else {
                    "The journal cannot be written: events are refused"
                },
                "What was accepted is kept. Make room on the disk of the data folder, or look \
                 into the log for what the disk answered.",
            )),
            Err(Unready::Full) => troubles.push(Trouble::refusing(
                "The backlog is full: events are refused",
                "They are taken again once a fifth of it is stored. Trackers that send again \
                 lose nothing.",
            )),
            Err(Unready::Starting) if health.is_replaying() => troubles.push(Trouble::noted(
                "What was accepted before the start is being stored",
                self.kept(),
            )),
            Err(Unready::Draining) => {
                troubles.push(Trouble::noted("The service is about to stop", self.kept()));
            }
            Err(Unready::Starting) | Ok(()) => {}
        }
        if health.is_refused() {
            let so = format!(
                "Mend the name, password or rights of its user, or its settings; the log has \
                 its words. {}",
                self.kept()
            );
            troubles.push(Trouble::of_database("The database refuses us", since, so));
        } else if !health.is_connected() {
            let (what, after) = match since {
                Some(_) => (
                    "The database is away",
                    " What was stored before cannot be shown until it is back.",
                ),
                None => ("The database has not answered yet", ""),
            };
            let so = format!("{}{}{after}", self.kept(), self.room(readiness.is_ok()));
            troubles.push(Trouble::of_database(what, since, so));
        } else if !health.is_taking_writes() {
            let so = format!("{}{}", self.kept(), self.room(readiness.is_ok()));
            let what = "The database answers and takes no events";
            troubles.push(Trouble::of_database(what, since, so));
        } else if let Some(problem) = health.problem() {
            // With a capital, as what stands in an answer has none.
            let mut letters = problem.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            troubles.push(Trouble::noted(first.chain(letters).collect::<String>(), String::new()));
        }
        troubles
    }

    /// That nothing of what was accepted is lost.
    fn kept(&self) -> String {
        match self.held.events {
            0 => "Nothing waits, and nothing is lost.".to_owned(),
            events => {
                let events = u64::try_from(events).unwrap_or(u64::MAX);
                let kept = counted(events, "event is", "events are");
                format!("{kept} kept on disk, nothing is lost.")
            }
        }
    }

    /// For how long there is room for more.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // about so long
    fn room(&self, is_taking: bool) -> String {
        if !is_taking {
            return String::new();
        }
        let room = self.limit.events.saturating_sub(self.held.events);
        let lasts_ms = room as f64 * 1000.0 / self.growth;
        match self.growth > 0.0 && lasts_ms < f64::from(i32::MAX) {
            true => format!(
                " New events are still taken; at this pace there is room for {} more.",
                length(lasts_ms as i64)
            ),
            false => " New events are still taken.".to_owned(),
        }
    }
}

impl Trouble {
    fn refusing(what: &str, so: &str) -> Self {
        let (what, so) = (what.to_owned(), so.to_owned());
        Self { is_bad: true, icon: "error", what, since: None, so }
    }

    fn of_database(what: &str, since: Option<When>, so: String) -> Self {
        Self { is_bad: false, icon: "db", what: what.to_owned(), since, so }
    }

    fn noted(what: impl Into<String>, so: String) -> Self {
        Self { is_bad: false, icon: "warn", what: what.into(), since: None, so }
    }
}

#[cfg(test)]
mod tests;
