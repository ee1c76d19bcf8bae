//! How far something is that takes long: a bar on a terminal, else a line every few seconds.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::terminal::complain;

/// From one line to the next.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Clone, Copy)]
pub enum Unit {
    Bytes,
    Erasures,
}

/// Tells how far it is.
pub struct Far {
    /// Hidden where there is no terminal.
    bar: ProgressBar,
    what: &'static str,
    unit: Unit,
    last_line: Instant,
}

impl Far {
    /// Begins at nothing.
    pub fn begin(what: &'static str, unit: Unit) -> Self {
        let counts = match unit {
            Unit::Bytes => "{bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            Unit::Erasures => "{human_pos} of {human_len} erasures, {eta} left",
        };
        let style = ProgressStyle::with_template(&format!("{what}: {{wide_bar}} {counts}"));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style);
        Self { bar, what, unit, last_line: Instant::now() }
    }

    /// So much of so much is done.
    pub fn show(&mut self, done: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(done);
        if self.bar.is_hidden() && self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            let what = self.what;
            complain(&match self.unit {
                Unit::Bytes => {
                    format!("trailkeep: {what}: {} of {}\n", HumanBytes(done), HumanBytes(of))
                }
                Unit::Erasures => {
                    format!(
                        "trailkeep: {what}: {} of {} erasures\n",
                        HumanCount(done),
                        HumanCount(of)
                    )
                }
            });
        }
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
