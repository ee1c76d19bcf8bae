//! What is found of a store by a look that changes nothing: for people who look for
//! a fault.

use std::time::Duration;

use trailkeep_event::Timestamp;

/// What a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its name and version, such as `MongoDB 7.0.14`.
    pub server: String,
    /// How it stands, such as `replica set rs0, primary`.
    pub topology: String,
    /// What has to have a write before it counts.
    pub durability: String,
    /// How long it took to answer a question that costs nothing.
    pub latency: Duration,
    /// Its clock, and ours at the same moment; `None` where both are one.
    pub clocks: Option<Clocks>,
    /// What is faster or unique because of them.
    pub indexes: Indexes,
    /// Events that it refused for good.
    pub dead_letters: u64,
}

/// Two clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The server's.
    pub server: Timestamp,
    /// Ours.
    pub own: Timestamp,
}

/// Which indexes there are, each as `collection.name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes {
    /// How many are ours.
    pub present: usize,
    /// Ours that are not there.
    pub missing: Vec<String>,
    /// Others, which somebody else made.
    pub others: Vec<String>,
    /// Payload keys whose indexes cannot be searched: a service that runs makes them, or the
    /// next start does.
    pub unsearched: Vec<String>,
    /// Payload keys that have an index, and are in none of the settings: the next start
    /// drops them.
    pub unwanted: Vec<String>,
    /// Whether one of an older version is there, which a running service replaces.
    pub replacing: Option<Replacing>,
}

/// How far a replacement of an index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacing {
    /// What the server does for the new one, and how far it is with that; `None`
    /// where it does nothing at the moment, or does not tell.
    pub progress: Option<String>,
}
