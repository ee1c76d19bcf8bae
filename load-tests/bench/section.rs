//! What can be asked for.

use clap::ValueEnum;

/// A part of a run that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// CPU for each stored event in batches of 1, 10 and 100, and how near that
    /// comes to inserting alone.
    Cost,
    /// The journal's syncs against none.
    Journal,
    /// Latency at half of saturation.
    Latency,
    /// Five times saturation.
    Overload,
    /// Memory, idle and at saturation, on both stores.
    Memory,
    /// Start to ready.
    Start,
    /// The newest events of a user, against the bare driver.
    Journeys,
    /// A deep page of a long journey against a short one.
    Pages,
    /// A user's page of the console against the JSON, and the 202 beside people who look.
    Console,
    /// The 202 beside as many as may watch live.
    Live,
    /// The 202 beside the erasure of a user with a million events, and how long that takes.
    Erase,
    /// Searches among half a million people, and journeys by the ids that are linked.
    People,
    /// Summaries of accounts, by themselves and while events come.
    Summaries,
    /// Cost against rate, batch and users.
    Scale,
    /// Cost of an event and of a page against what is stored, up to 30 million
    /// events. Only when it is named.
    Growth,
    /// `trailkeep move` of all events of an embedded store, against a bare insert loop; and killed
    /// twice. Only when it is named.
    Move,
    /// Two services on one MongoDB.
    Pair,
    /// Deliveries a second to a processor, what one costs, and the 202 beside them.
    Processors,
    /// A user whose event fails, with 100,000 events behind it: what others notice of
    /// that, and what becomes of these events.
    FailingHead,
    /// A thousand events a minute, each of which takes five to six seconds, for ten
    /// minutes. Only when it is named.
    SlowWork,
    /// Beside what people would use instead. Only when it is named; `load-tests/versus/run`
    /// installs what it needs.
    Versus,
    /// What an index for journeys costs and gives, by layout. Only when it is
    /// named, because it inserts hundreds of millions of events.
    Index,
}

impl Section {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 22] = [
        Self::Cost,
        Self::Journal,
        Self::Latency,
        Self::Overload,
        Self::Memory,
        Self::Start,
        Self::Journeys,
        Self::Pages,
        Self::Console,
        Self::Live,
        Self::Erase,
        Self::People,
        Self::Summaries,
        Self::Scale,
        Self::Pair,
        Self::Processors,
        Self::FailingHead,
        Self::SlowWork,
        Self::Move,
        Self::Growth,
        Self::Versus,
        Self::Index,
    ];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Journal => "journal",
            Self::Latency => "latency",
            Self::Overload => "overload",
            Self::Memory => "memory",
            Self::Start => "start",
            Self::Journeys => "journeys",
            Self::Pages => "pages",
            Self::Console => "console",
            Self::Live => "live",
            Self::Erase => "erase",
            Self::People => "people",
            Self::Summaries => "summaries",
            Self::Scale => "scale",
            Self::Pair => "pair",
            Self::Processors => "processors",
            Self::FailingHead => "failing-head",
            Self::SlowWork => "slow-work",
            Self::Move => "move",
            Self::Growth => "growth",
            Self::Versus => "versus",
            Self::Index => "index",
        }
    }

    /// Whether it runs when no section is named.
    pub fn is_usual(self) -> bool {
        !matches!(self, Self::SlowWork | Self::Move | Self::Growth | Self::Versus | Self::Index)
    }

    /// Whether it measures the service.
    pub fn needs_service(self) -> bool {
        self != Self::Index
    }
}
