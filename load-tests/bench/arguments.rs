//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::cores::Cores;
use crate::section::Section;
use crate::sections::index::layouts::Layout;
use crate::sections::versus::peer::Peer;

/// Measures what an event costs, and what a journey does.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Arguments {
    /// Only these sections, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Section>,

    /// A run of a few minutes, to see that all of it works. Its figures are
    /// noise.
    #[arg(long)]
    pub quick: bool,

    /// Seconds of one measurement, without its warm-up [default: 5].
    #[arg(long)]
    seconds: Option<f64>,

    /// How often each measurement is repeated; the median counts [default: 5].
    #[arg(long)]
    rounds: Option<u32>,

    /// Events that are in the collection before costs, journeys and summaries
    /// are measured, and that are moved [default: 5000000].
    #[arg(long)]
    events: Option<u64>,

    /// Millions of events that are in the collection when `growth` and `index` measure, each
    /// in a filling of its own; in the embedded store's those up to ten
    /// [default: 1,10,30].
    #[arg(long, value_delimiter = ',', value_parser = millions)]
    sizes: Vec<u64>,

    /// Only these layouts of `index`, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    layouts: Vec<Layout>,

    /// Whom `versus` measures, separated by commas [default: all but those in Redis and
    /// NATS].
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Vec<Peer>,

    /// Puts the tables of `versus` into load-tests/RESULTS.md, in the place of those of the
    /// last run.
    #[arg(long)]
    pub write: bool,

    /// Connections that load is sent over.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,

    /// What users and ids are drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Gigabytes of memory that mongod caches data in. By itself it would take
    /// half of the machine's.
    #[arg(long, default_value_t = 4.0)]
    pub cache_gb: f64,

    /// Under which folder mongod keeps its data; the one for temporary files
    /// when left out, as for the service's. On another disk, or in memory
    /// (/dev/shm), it does not hold up the journal's syncs.
    #[arg(long)]
    mongod_dir: Option<PathBuf>,

    /// Gives mongod half of the cores for itself, and the service and whoever
    /// sends the others: nearer to a database on another machine, and far more
    /// even where there are few cores.
    #[arg(long)]
    pub apart: bool,

    /// How they were divided.
    #[arg(skip)]
    pub cores: Option<Cores>,

    /// Where results and drawings go; target/bench when left out.
    #[arg(long)]
    pub out: Option<PathBuf>,

    /// The service's binary, instead of the one that is built from this source.
    #[arg(long)]
    pub service: Option<PathBuf>,

    /// A setting for every service under test, such as WRITE_IN_FLIGHT=2; may be
    /// given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Millions, as a number of events; a thousand at least, or there are no rare users.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn millions(text: &str) -> Result<u64, String> {
    let millions: f64 = text.parse().map_err(|_| "must be a number of millions")?;
    if (0.001..=1000.0).contains(&millions) {
        Ok((millions * 1e6).round() as u64)
    } else {
        Err("must be from 0.001 to 1000".to_owned())
    }
}

impl Arguments {
    /// The sections to run, in their order.
    pub fn sections(&self) -> Vec<Section> {
        let is_wanted = |section: &Section| match self.only.is_empty() {
            true => section.is_usual(),
            false => self.only.contains(section),
        };
        Section::ALL.into_iter().filter(is_wanted).collect()
    }

    /// Events that are in the collection when `index` measures, smallest first.
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = match (self.sizes.is_empty(), self.quick) {
            (false, _) => self.sizes.clone(),
            (true, true) => vec![50_000, 100_000],
            (true, false) => vec![1_000_000, 10_000_000, 30_000_000],
        };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Those of these layouts that are to be measured.
    pub fn layouts(&self, all: &[Layout]) -> Vec<Layout> {
        let is_wanted = |layout: &&Layout| self.layouts.is_empty() || self.layouts.contains(layout);
        all.iter().filter(is_wanted).copied().collect()
    }

    /// Under which folder mongod keeps its data.
    pub fn mongod_dir(&self) -> PathBuf {
        self.mongod_dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Whom `versus` measures.
    pub fn peers(&self) -> Vec<Peer> {
        let is_wanted = |peer: &Peer| match self.peers.is_empty() {
            true => !peer.is_extra(),
            false => self.peers.contains(peer),
        };
        Peer::ALL.into_iter().filter(is_wanted).collect()
    }

    /// How often each measurement is repeated.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 5 }).max(1)
    }

    /// How long one measurement takes.
    pub fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 1.0 } else { 5.0 }))
    }

    /// How long load runs before it is measured.
    pub fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { 0.5 } else { 2.0 })
    }

    /// Events that are in the collection beforehand.
    pub fn events(&self) -> u64 {
        let default = if self.quick { 100_000 } else { 5_000_000 };
        self.events.unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Arguments {
        Arguments::try_parse_from([&["bench"], arguments].concat()).unwrap()
    }

    #[test]
    fn what_takes_long_is_measured_when_it_is_named_and_not_otherwise() {
        let usual = parse(&[]).sections();
        let named = [
            (Section::Index, "index"),
            (Section::Growth, "growth"),
            (Section::SlowWork, "slow-work"),
            (Section::Move, "move"),
            (Section::Versus, "versus"),
        ];
        for (section, name) in named {
            assert!(!usual.contains(&section));
            assert_eq!(parse(&["--only", name]).sections(), [section]);
        }
        assert_eq!(usual.len(), Section::ALL.len() - 5);
    }

    #[test]
    fn sizes_are_millions_and_layouts_are_chosen_by_name() {
        let arguments = parse(&["--sizes", "10,0.05,10", "--layouts", "user,million+shard"]);
        assert_eq!(arguments.sizes(), [50_000, 10_000_000]);
        assert_eq!(arguments.layouts(&Layout::MONGODB), [Layout::User, Layout::MillionShard]);
        assert_eq!(arguments.layouts(&Layout::EMBEDDED), [Layout::User]);
        assert!(Arguments::try_parse_from(["bench", "--sizes", "0"]).is_err());
    }
}
