//! What trackers notice of the most people that may watch live.

use futures_util::StreamExt as _;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::beside::{self, Beside, Company};
use crate::batch::user_name;
use crate::bench::Bench;
use crate::findings::{Findings, Row, Table};
use crate::instance::Instance;

/// Besides those in each round.
pub const STEPS: u64 = beside::STEPS;
/// In each round.
pub const ROUND_STEPS: u64 = beside::ROUND_STEPS;
/// Of the whole instance, and of a user each, as many.
const STREAMS_OF_A_KIND: u32 = 32;
const MIB: f64 = 1024.0 * 1024.0;

/// Measures the 202 beside streams, and without.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let company = format!("{} streams", 2 * STREAMS_OF_A_KIND);
    let beside = Beside::measure(bench, "live", &company, beside::nothing, watching).await?;
    let mut table = Table::new(
        "Watching live",
        &["", "p50, ms", "p99, ms", "memory, MiB", "service, us an event"],
    );
    for (name, case) in [("nobody", &beside.without), (&company, &beside.with)] {
        let memory = case.resident.median() / MIB;
        let (p50, p99) = (case.p50_ms.median(), case.p99_ms.median());
        table.add(name, &[p50, p99, memory, case.service_us.median()]);
    }
    let more = (beside.with.resident.median() - beside.without.resident.median()) / MIB;
    let p99 = format!("p99 of the 202 beside {company} against none");
    Ok(Findings {
        rows: vec![
            Row::at_most(p99, beside.p99_ratio.median(), 1.1, "times"),
            Row::at_most(format!("memory that {company} take"), more, 20.0, "MiB"),
        ],
        tables: vec![table],
        figures: beside.to_json(),
        ..Findings::default()
    })
}

/// Returns once each stream has begun.
async fn watching(instance: &Instance) -> Result<Company, Trouble> {
    let session = instance.sign_in().await?;
    let mut streams = Company::new();
    for place in 0..STREAMS_OF_A_KIND {
        for path in ["/live".to_owned(), format!("/users/{}/live", user_name(place))] {
            let stream = instance.stream(&path, &session).await?;
            streams.spawn(read(stream));
        }
    }
    Ok(streams)
}

async fn read(stream: reqwest::Response) -> Result<(), Trouble> {
    let mut bytes = stream.bytes_stream();
    while let Some(some) = bytes.next().await {
        some.during("reading a stream")?;
    }
    Err(Trouble("a stream has ended".to_owned()))
}
