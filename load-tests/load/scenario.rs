//! What can be run, and what the service has to be like for it.

use std::fmt;

use clap::ValueEnum;

/// A scenario of the folder `artillery`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 500 requests a minute of every kind.
    Normal,
    /// 5,000 requests a minute: posts of ten events and account summaries.
    Peak,
    /// 1,000 posts at the same moment.
    Burst,
    /// 1,500 requests a minute for an hour.
    Soak,
    /// The database stands still until posts are refused, and comes back.
    Overflow,
}

/// When the database is held, in parts of the duration.
#[derive(Debug, Clone, Copy)]
pub struct HoldPlan {
    pub from: f64,
    pub to: f64,
}

impl Scenario {
    /// Its file's name, without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Peak => "peak",
            Self::Burst => "burst",
            Self::Soak => "soak",
            Self::Overflow => "overflow",
        }
    }

    /// Seconds for which requests are begun.
    pub fn duration(self) -> u64 {
        match self {
            Self::Normal | Self::Peak | Self::Overflow => 60,
            Self::Burst => 4,
            Self::Soak => 3600,
        }
    }

    /// The settings that the service needs beyond its defaults, by their names
    /// in the environment.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // The smallest backlog there may be: as large as one request.
            Self::Overflow => &[("BACKLOG_MAX_EVENTS", "1000")],
            _ => &[],
        }
    }

    /// Whether the database is held meanwhile, and when.
    pub fn hold(self) -> Option<HoldPlan> {
        match self {
            Self::Overflow => Some(HoldPlan { from: 0.1, to: 0.4 }),
            _ => None,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
