//! What breaks, and on which stores that means anything.

use clap::ValueEnum;

use trailkeep_testkit::launch;

/// Something that breaks. New ones come last: chance is drawn from their number too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    #[value(name = "kill-9")]
    Kill9,
    #[value(name = "kill-9-unsynced")]
    Kill9Unsynced,
    Sigterm,
    MongodPause,
    #[value(name = "mongod-kill-9")]
    MongodKill9,
    PrimaryKill,
    CutConnection,
    Outage,
    DiskFull,
    DiskFails,
    BitFlip,
    CutFile,
    ClockBack,
    OldIndex,
    #[value(name = "processor-kill-9")]
    ProcessorKill9,
    ProcessorPause,
    ProcessorSlow,
    ProcessorFails,
    ProcessorRefuses,
    ProcessorCut,
    #[value(name = "pair-kill-9")]
    PairKill9,
    PairPause,
    PairLostDisk,
    PairPrimaryKill,
    ProcessorHolds,
    Retention,
    Erase,
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
    pub const ALL: [Self; 27] = [
        Self::Kill9,
        Self::Kill9Unsynced,
        Self::Sigterm,
        Self::MongodPause,
        Self::MongodKill9,
        Self::PrimaryKill,
        Self::CutConnection,
        Self::Outage,
        Self::DiskFull,
        Self::DiskFails,
        Self::BitFlip,
        Self::CutFile,
        Self::ClockBack,
        Self::OldIndex,
        Self::Erase,
        Self::ProcessorKill9,
        Self::ProcessorPause,
        Self::ProcessorSlow,
        Self::ProcessorFails,
        Self::ProcessorRefuses,
        Self::ProcessorHolds,
        Self::ProcessorCut,
        Self::Retention,
        Self::PairKill9,
        Self::PairPause,
        Self::PairLostDisk,
        Self::PairPrimaryKill,
    ];

    /// As it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill9 => "kill-9",
            Self::Kill9Unsynced => "kill-9-unsynced",
            Self::Sigterm => "sigterm",
            Self::MongodPause => "mongod-pause",
            Self::MongodKill9 => "mongod-kill-9",
            Self::PrimaryKill => "primary-kill",
            Self::CutConnection => "cut-connection",
            Self::Outage => "outage",
            Self::DiskFull => "disk-full",
            Self::DiskFails => "disk-fails",
            Self::BitFlip => "bit-flip",
            Self::CutFile => "cut-file",
            Self::ClockBack => "clock-back",
            Self::OldIndex => "old-index",
            Self::Erase => "erase",
            Self::ProcessorKill9 => "processor-kill-9",
            Self::ProcessorPause => "processor-pause",
            Self::ProcessorSlow => "processor-slow",
            Self::ProcessorFails => "processor-fails",
            Self::ProcessorRefuses => "processor-refuses",
            Self::ProcessorHolds => "processor-holds",
            Self::ProcessorCut => "processor-cut",
            Self::Retention => "retention",
            Self::PairKill9 => "pair-kill-9",
            Self::PairPause => "pair-pause",
            Self::PairLostDisk => "pair-lost-disk",
            Self::PairPrimaryKill => "pair-primary-kill",
        }
    }

    /// What happens in a round.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Kill9 => "the service is killed at three random moments and started again",
            Self::Kill9Unsynced => "the same with journal.sync = never",
            Self::Sigterm => "the service is told to stop, twice, and started again",
            Self::MongodPause => "mongod stands still for longer than a write may take",
            Self::MongodKill9 => "mongod is killed and started again",
            Self::PrimaryKill => "the primary of three is killed and started again",
            Self::CutConnection => "a proxy delays, truncates and drops requests and replies",
            Self::Outage => {
                "the database takes nothing, more is accepted than memory holds; the service is \
                 killed meanwhile"
            }
            Self::DiskFull => "the disk has no room for a segment of the journal: 503 until it has",
            Self::DiskFails => "a write into the journal fails: the service ends, and is started",
            Self::BitFlip => "one bit of the journal flips while the service is down",
            Self::CutFile => "a file of the journal loses its end while the service is down",
            Self::ClockBack => "the clock is stepped back; the service is stopped and killed",
            Self::OldIndex => {
                "a database of an older version is taken over; the service is killed ten times \
                 meanwhile"
            }
            Self::Erase => {
                "users are erased while they send; the service is killed meanwhile, and started again"
            }
            Self::ProcessorKill9 => "the processor is killed twice and started again",
            Self::ProcessorPause => "the processor stands still for longer than a request may take",
            Self::ProcessorSlow => "the processor takes up to longer than a request may take",
            Self::ProcessorFails => "the processor fails at one request in five",
            Self::ProcessorRefuses => "the processor refuses one event in a hundred for good",
            Self::ProcessorHolds => {
                "the same, and its user waits until a person has it skipped, released or sent again"
            }
            Self::ProcessorCut => {
                "a proxy delays, truncates and drops requests to the processor and its answers"
            }
            Self::Retention => {
                "events expire before they are delivered: the processor is slow, and the clock \
                 goes on by a day and a half"
            }
            Self::PairKill9 => {
                "of two instances one is killed, twice; what the first stored is not fed at times"
            }
            Self::PairPause => {
                "of two instances one stands still, mostly until the other delivers, and goes on"
            }
            Self::PairLostDisk => {
                "of two instances that are sent the same events, the first is killed before it \
                 feeds them, and its disk is lost"
            }
            Self::PairPrimaryKill => "two instances, and the primary of three is killed",
        }
    }

    /// The stores on which it applies.
    pub fn stores(self) -> &'static [StoreKind] {
        match self {
            Self::MongodPause | Self::MongodKill9 | Self::OldIndex => &[StoreKind::Mongodb],
            // MongoDB deletes what has expired by its own clock.
            Self::Retention => &[StoreKind::Embedded],
            Self::PairKill9 | Self::PairPause | Self::PairLostDisk => {
                &[StoreKind::Mongodb, StoreKind::ReplicaSet]
            }
            Self::PrimaryKill | Self::PairPrimaryKill => &[StoreKind::ReplicaSet],
            _ => &[StoreKind::Embedded, StoreKind::Mongodb],
        }
    }

    /// Rounds that share a data folder and a database: enough that what one round
    /// leaves behind meets the next, and few enough to check all of it each time. A
    /// database is taken over once, and what has an outcome expires a day after its event.
    pub fn rounds_in_a_scene(self) -> u32 {
        if matches!(self, Self::OldIndex | Self::Retention) { 1 } else { 5 }
    }

    /// Whether the service's clock is wrong at times.
    pub fn fakes_clock(self) -> bool {
        matches!(self, Self::ClockBack | Self::Retention)
    }

    /// Whether it takes records of the journal away, which is noted and does not
    /// count as a loss.
    pub fn is_damage(self) -> bool {
        matches!(self, Self::BitFlip | Self::CutFile)
    }

    /// Whether it takes a processor: it breaks that, or one of two instances that have it.
    pub fn is_of_processor(self) -> bool {
        matches!(
            self,
            Self::ProcessorKill9
                | Self::ProcessorPause
                | Self::ProcessorSlow
                | Self::ProcessorFails
                | Self::ProcessorRefuses
                | Self::ProcessorHolds
                | Self::ProcessorCut
                | Self::Retention
        ) || self.is_of_pair()
    }

    /// Whether two instances share the database.
    pub fn is_of_pair(self) -> bool {
        matches!(
            self,
            Self::PairKill9 | Self::PairPause | Self::PairLostDisk | Self::PairPrimaryKill
        )
    }

    /// Whether the processor may be sent what it refuses, where there is one: not where it
    /// fails at the same events by chance, nor where what fed is taken away.
    pub fn has_poison(self) -> bool {
        let may_fail_otherwise = matches!(
            self,
            Self::ProcessorKill9
                | Self::ProcessorPause
                | Self::ProcessorSlow
                | Self::ProcessorFails
                | Self::Retention
        );
        !may_fail_otherwise && !self.is_damage()
    }

    /// The one store on which a quick run has it.
    pub fn quick_store(self) -> StoreKind {
        match self {
            Self::ProcessorPause | Self::ProcessorFails => StoreKind::Mongodb,
            Self::PairKill9 | Self::PairPause | Self::PairLostDisk => StoreKind::Mongodb,
            Self::PairPrimaryKill => StoreKind::ReplicaSet,
            _ => StoreKind::Embedded,
        }
    }

    /// Why it cannot be injected on this machine, if so.
    pub fn unavailable(self) -> Option<&'static str> {
        (self.fakes_clock() && launch::libfaketime().is_none())
            .then_some("skipped: libfaketime is missing (Debian's package faketime)")
    }
}
