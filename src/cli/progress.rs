//! How far it is, for whoever looks at standard error: a bar on a terminal,
//! else a line every few seconds.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use parking_lot::Mutex;

/// What is counted is its message.
const BAR: &str = "{wide_bar} {human_pos} of {human_len} {msg}, {per_sec}, {eta} left";

/// From one line to the next, and from one word on an outage to the next.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Tells how far it is.
pub struct Progress {
    /// Hidden where there is no terminal.
    bar: ProgressBar,
    last_line: Mutex<Instant>,
    /// When the outage that lasts was last spoken of.
    outage: Mutex<Option<Instant>>,
}

impl Progress {
    /// Begins to count at nothing of so many; `what` are counted, in the plural.
    pub fn begin(all: u64, what: &'static str) -> Self {
        let style = ProgressStyle::with_template(BAR);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: ProgressBar::new(all).with_style(style).with_message(what),
            last_line: Mutex::new(Instant::now()),
            outage: Mutex::new(None),
        }
    }

    /// So many are done, and this is why no more are now. An outage is
    /// told of at once, and then now and then.
    pub fn show(&self, done: u64, outage: Option<String>) {
        let mut said = self.outage.lock();
        match (outage, *said) {
            (Some(_), Some(said)) if said.elapsed() < LINE_INTERVAL => {}
            (Some(reason), _) => {
                *said = Some(Instant::now());
                self.say(&format!("{reason}; trying again"));
            }
            (None, Some(_)) => {
                *said = None;
                self.say("it answers again");
            }
            (None, None) => {}
        }
        let has_moved = done > self.bar.position();
        self.bar.set_position(done);
        let mut last_line = self.last_line.lock();
        if self.bar.is_hidden() && has_moved && last_line.elapsed() >= LINE_INTERVAL {
            *last_line = Instant::now();
            self.say(&format!(
                "{} of {} {}, {} s left",
                HumanCount(done),
                HumanCount(self.bar.length().unwrap_or_default()),
                self.bar.message(),
                self.bar.eta().as_secs()
            ));
        }
    }

    /// So many were done before it began.
    pub fn go_on_from(&self, done: u64) {
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    /// Says a line above the bar.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| {
            // Nobody is left to be told when standard error is closed.
            let _ = writeln!(io::stderr(), "trailkeep: {text}");
        });
    }

    /// Ends it; how long it took.
    pub fn end(&self) -> Duration {
        self.bar.finish_and_clear();
        self.bar.elapsed()
    }
}
