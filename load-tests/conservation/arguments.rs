//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::fault::{Fault, StoreKind};
use crate::load::Demand;

/// The seed that every quick run begins with.
const FIXED_SEED: u64 = 1;

/// Of these a quick run has one, by its last seed.
const LOTS: [Fault; 2] = [Fault::ProcessorCut, Fault::PairKill9];

/// Events a second where there is a processor, or an erasure, which keep up with that.
const PROCESSED_RATE: u32 = 1_000;

/// The same where they expire: what waits stays in the service's memory for a minute.
const EXPIRING_RATE: u32 = 200;

/// Events of an older version, of a run and of a quick one.
const OLD_EVENTS: u64 = 20_000;
const QUICK_OLD_EVENTS: u64 = 5_000;

/// Shows that accepted events are kept, whatever breaks meanwhile.
#[derive(Debug, Parser)]
#[command(name = "conservation")]
pub struct Arguments {
    /// Rounds of each fault on each store, for each seed.
    #[arg(long, default_value_t = 3)]
    rounds: u32,

    /// 100 rounds of kill-9 and 20 of each other fault, on each store, for
    /// each seed: under two hours.
    #[arg(long, conflicts_with = "rounds")]
    long: bool,

    /// What the rounds draw their chances from; may be given several times. A
    /// fresh one is drawn and printed where none is given.
    #[arg(long = "seed")]
    seeds: Vec<u64>,

    /// Only this fault; may be given several times.
    #[arg(long = "fault", value_enum)]
    faults: Vec<Fault>,

    /// Only this store.
    #[arg(long, value_enum, default_value_t = Stores::Both)]
    store: Stores,

    /// Short phases, and the seed 1 beside a fresh one.
    #[arg(long)]
    pub quick: bool,

    /// Runs kill-9 on a service that is built to answer 202 before a batch is in
    /// its journal, and fails unless lost events are found; and pair-lost-disk. In both,
    /// fails unless defects of processing are found that are made on purpose.
    #[arg(long, conflicts_with_all = ["faults", "long", "service"])]
    pub prove: bool,

    /// Events that an older version left, for old-index; 20,000 by default, 5,000 in a
    /// quick run.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    old_events: Option<u64>,

    /// Events a second, of all producers together. Without it they go as fast as they can,
    /// or 1,000 a second in erase and where there is a processor, 200 in retention.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,

    /// Producers, each with a connection and three users of its own. More of them, and
    /// larger batches, come to a higher rate.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=64))]
    producers: u8,

    /// Events of a batch, at the most. At a rate above 5,000 a batch has a fifth of that at
    /// the least.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: u16,

    /// Sends the events to a processor in all rounds, and checks what becomes of them; in
    /// rounds in which it is the processor that breaks, and with --prove, so it is always.
    #[arg(long)]
    processors: bool,

    /// Lists the faults.
    #[arg(long)]
    pub list: bool,

    /// The service's binary, instead of the one beside this program.
    #[arg(long)]
    pub service: Option<PathBuf>,
}

/// Which stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stores {
    Embedded,
    Mongodb,
    Both,
}

impl Arguments {
    /// The seeds to run with.
    pub fn seeds(&self) -> Vec<u64> {
        if !self.seeds.is_empty() {
            return self.seeds.clone();
        }
        let fresh = rand::random_range(2..1_000_000_000);
        if self.quick { vec![FIXED_SEED, fresh] } else { vec![fresh] }
    }

    /// How many events an older version left.
    pub fn old_events(&self) -> u64 {
        self.old_events.unwrap_or(if self.quick { QUICK_OLD_EVENTS } else { OLD_EVENTS })
    }

    /// What producers send in the rounds of a fault.
    pub fn demand(&self, fault: Fault) -> Demand {
        // An outage has to come to more than memory holds.
        let is_slowed =
            (self.has_processor(fault) && fault != Fault::Outage) || fault == Fault::Erase;
        let rate = if fault == Fault::Retention { EXPIRING_RATE } else { PROCESSED_RATE };
        Demand {
            rate: self.rate.or(is_slowed.then_some(rate)),
            producers: self.producers.into(),
            largest_batch: self.batch.into(),
            has_poison: self.has_processor(fault) && fault.has_poison(),
            is_for_both: fault == Fault::PairLostDisk,
        }
    }

    /// Whether there is a processor in the rounds of a fault.
    pub fn has_processor(&self, fault: Fault) -> bool {
        // To process what an outage has to hold takes too long for a quick run.
        let is_long = self.quick && fault == Fault::Outage;
        (self.processors && !is_long && fault != Fault::Erase)
            || self.prove
            || fault.is_of_processor()
    }

    /// How many rounds of a fault to run on each store, for each seed.
    pub fn rounds(&self, fault: Fault) -> u32 {
        match (self.long, fault) {
            (false, _) => self.rounds,
            (true, Fault::Kill9) => 100,
            (true, _) => 20,
        }
    }

    /// A quick run has each fault of the processor on one store, unless it is asked for:
    /// what it does is the same on both. Of those that take longest it has one, by lot, or
    /// none.
    fn is_left_out(&self, fault: Fault, store: StoreKind, seeds: &[u64]) -> bool {
        if !self.is_shortened(fault) {
            return false;
        }
        let lot = seeds.last().map_or(0, |seed| seed % LOTS.len() as u64);
        let is_drawn = LOTS[lot as usize] == fault;
        let is_long = fault.is_of_pair() || LOTS.contains(&fault);
        (is_long && !is_drawn && !self.prove) || fault.quick_store() != store
    }

    /// Those of the seeds that a fault is run with: of the processor, in a quick run, the
    /// last one, which is a fresh one.
    pub fn seeds_of<'a>(&self, fault: Fault, seeds: &'a [u64]) -> &'a [u64] {
        if self.is_shortened(fault) { &seeds[seeds.len() - 1..] } else { seeds }
    }

    fn is_shortened(&self, fault: Fault) -> bool {
        let is_asked_for = !self.faults.is_empty() || self.store != Stores::Both;
        self.quick && !is_asked_for && (fault.is_of_processor() || fault == Fault::Erase)
    }

    /// The faults to inject, each with the stores on which it applies.
    pub fn combinations(&self, seeds: &[u64]) -> Vec<(Fault, StoreKind)> {
        let is_wanted = |fault: &Fault| match self.prove {
            true => matches!(fault, Fault::Kill9 | Fault::PairLostDisk),
            false => self.faults.is_empty() || self.faults.contains(fault),
        };
        Fault::ALL
            .into_iter()
            .filter(is_wanted)
            .flat_map(|fault| fault.stores().iter().map(move |store| (fault, *store)))
            .filter(|(fault, store)| !self.is_left_out(*fault, *store, seeds))
            .filter(|(_, store)| match self.store {
                Stores::Both => true,
                Stores::Embedded => *store == StoreKind::Embedded,
                Stores::Mongodb => *store != StoreKind::Embedded,
            })
            .collect()
    }
}
