//! How far a run is.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, and a line for each step elsewhere.
pub struct Progress {
    bar: ProgressBar,
    is_shown: bool,
}

impl Progress {
    /// For so many steps.
    pub fn over(steps: u64) -> Self {
        let bar = ProgressBar::new(steps);
        let style = "{elapsed_precise} {bar:30} {pos}/{len} {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        // Seldom: its drawing takes from what is measured.
        bar.enable_steady_tick(Duration::from_secs(1));
        Self { bar, is_shown: std::io::stderr().is_terminal() }
    }

    /// The next step begins.
    pub fn step(&self, what: impl Into<String>) {
        let what = what.into();
        if self.is_shown {
            self.bar.inc(1);
            self.bar.set_message(what);
        } else {
            eprintln!("{what}");
        }
    }

    /// Says something above the bar.
    pub fn say(&self, what: &str) {
        if self.is_shown {
            self.bar.println(what);
        } else {
            eprintln!("{what}");
        }
    }

    /// All is done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
