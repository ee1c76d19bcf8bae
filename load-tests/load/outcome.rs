//! The result of a run, as a table that can go into a Markdown file.

use std::fmt;
use std::time::Duration;

use crate::artillery::Report;
use crate::check::Check;
use crate::record::Refusals;
use crate::scenario::Scenario;

/// How long posts may be refused when the database is there again: the pause
/// before the next try, at its longest, and a few seconds for what has piled up.
const RECOVERY_LIMIT: Duration = Duration::from_secs(10);

/// All of it.
pub struct Outcome {
    pub scenario: Scenario,
    pub store: &'static str,
    pub report: Report,
    pub check: Check,
    /// Where the database was held.
    pub refusal: Option<Refusals>,
}

impl Outcome {
    /// Whether all thresholds hold, and nothing is missing or too much.
    pub fn is_clean(&self) -> bool {
        self.report.holds && self.check.is_clean() && self.refusal.is_none_or(is_overcome)
    }
}

/// Whether the service was driven into refusing, and came out of it.
fn is_overcome(refusals: Refusals) -> bool {
    refusals.count > 0 && refusals.lasted <= RECOVERY_LIMIT && refusals.accepted_after > 0
}

const HEAD: [&str; 16] = [
    "scenario", "store", "requests", "200", "202", "503", "other", "p50 ms", "p95 ms", "p99 ms",
    "accepted", "stored", "lost", "doubled", "invented", "misnamed",
];

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, check) = (&self.report, &self.check);
        let [ok, accepted, refused] = [200, 202, 503].map(|status| report.answered(status));
        let times = report.response_time();
        let milliseconds =
            |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let cells = [
            self.scenario.to_string(),
            self.store.to_owned(),
            report.requests().to_string(),
            ok.to_string(),
            accepted.to_string(),
            refused.to_string(),
            report.answers().saturating_sub(ok + accepted + refused).to_string(),
            milliseconds(times.map(|times| times.median)),
            milliseconds(times.map(|times| times.p95)),
            milliseconds(times.map(|times| times.p99)),
            check.accepted.to_string(),
            check.stored.to_string(),
            check.lost.to_string(),
            check.doubled.to_string(),
            check.invented.to_string(),
            check.misnamed.to_string(),
        ];
        writeln!(f, "\n| {} |", HEAD.join(" | "))?;
        writeln!(f, "|---|---|{}", "--:|".repeat(HEAD.len() - 2))?;
        writeln!(f, "| {} |\n", cells.join(" | "))?;
        if let Some(refusals) = self.refusal {
            writeln!(
                f,
                "{} posts were refused, the last {:.1} s after the database was back; {} were \
                 accepted after that",
                refusals.count,
                refusals.lasted.as_secs_f64(),
                refusals.accepted_after
            )?;
        }
        let thresholds = if report.holds { "hold" } else { "DO NOT HOLD" };
        let conservation = if check.is_clean() { "holds" } else { "DOES NOT HOLD" };
        write!(f, "The thresholds {thresholds}; conservation {conservation}.")?;
        if self.refusal.is_some_and(|refusals| !is_overcome(refusals)) {
            write!(f, " The overflow WAS NOT as it has to be.")?;
        }
        Ok(())
    }
}
