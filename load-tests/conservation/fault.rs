//! What breaks, and on which stores that means anything.

use clap::ValueEnum;

use crate::service;

/// Something that breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    #[value(name = "kill-9")]
    Kill9,
    Sigterm,
    MongodPause,
    #[value(name = "mongod-kill-9")]
    MongodKill9,
    PrimaryKill,
    CutConnection,
    Spill,
    DiskFull,
    BitFlip,
    ClockBack,
}

/// Where the service keeps its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// The SQLite file in its data folder.
    Embedded,
    /// One MongoDB server.
    Mongodb,
    /// Three of them.
    ReplicaSet,
}

impl StoreKind {
    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Mongodb => "mongodb",
            Self::ReplicaSet => "mongodb (3)",
        }
    }
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::Kill9,
        Self::Sigterm,
        Self::MongodPause,
        Self::MongodKill9,
        Self::PrimaryKill,
        Self::CutConnection,
        Self::Spill,
        Self::DiskFull,
        Self::BitFlip,
        Self::ClockBack,
    ];

    /// As it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill9 => "kill-9",
            Self::Sigterm => "sigterm",
            Self::MongodPause => "mongod-pause",
            Self::MongodKill9 => "mongod-kill-9",
            Self::PrimaryKill => "primary-kill",
            Self::CutConnection => "cut-connection",
            Self::Spill => "spill",
            Self::DiskFull => "disk-full",
            Self::BitFlip => "bit-flip",
            Self::ClockBack => "clock-back",
        }
    }

    /// What happens in a round.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Kill9 => "the service is killed at three random moments and started again",
            Self::Sigterm => "the service is told to stop, twice, and started again",
            Self::MongodPause => "mongod stands still for longer than a write may take",
            Self::MongodKill9 => "mongod is killed and started again",
            Self::PrimaryKill => "the primary of three is killed and started again",
            Self::CutConnection => "a proxy delays, truncates and drops requests and replies",
            Self::Spill => {
                "mongod stands still, events are spilled; the service is killed meanwhile"
            }
            Self::DiskFull => "files of the service cannot grow for a while",
            Self::BitFlip => "one bit of the journal flips while the service is down",
            Self::ClockBack => "the clock is stepped back; the service is stopped and killed",
        }
    }

    /// The stores on which it applies.
    pub fn stores(self) -> &'static [StoreKind] {
        match self {
            Self::MongodPause | Self::MongodKill9 | Self::Spill => &[StoreKind::Mongodb],
            Self::PrimaryKill => &[StoreKind::ReplicaSet],
            _ => &[StoreKind::Embedded, StoreKind::Mongodb],
        }
    }

    /// Why it cannot be injected on this machine, if so.
    pub fn unavailable(self) -> Option<&'static str> {
        (self == Self::ClockBack && service::libfaketime().is_none())
            .then_some("skipped: libfaketime is missing (Debian's package faketime)")
    }
}
