//! What is measured, a file each.

mod beside;
mod console;
mod cost;
mod erase;
mod failing_head;
mod growth;
pub mod index;
mod journal;
mod journeys;
mod latency;
mod live;
mod memory;
mod moving;
mod overload;
mod pages;
mod pair;
mod people;
mod processors;
mod scale;
mod slow_work;
mod start;
mod summaries;
pub mod versus;

use trailkeep_testkit::trouble::Trouble;

use crate::arguments::Arguments;
use crate::bench::Bench;
use crate::findings::Findings;
use crate::section::Section;

/// How many steps a section takes.
pub fn steps(section: Section, arguments: &Arguments) -> u64 {
    let rounds = u64::from(arguments.rounds());
    match section {
        Section::Cost => cost::FILLING + cost::STEPS * rounds,
        Section::Journal => journal::STEPS * rounds,
        Section::Latency => latency::STEPS * rounds,
        Section::Overload => overload::STEPS * rounds,
        Section::Memory => memory::STEPS,
        Section::Start => start::STEPS,
        Section::Journeys => journeys::STEPS + 2 * rounds,
        Section::Pages => pages::STEPS + rounds,
        Section::Console => console::STEPS + console::ROUND_STEPS * rounds,
        Section::Live => live::STEPS + live::ROUND_STEPS * rounds,
        Section::Erase => erase::STEPS + erase::ROUND_STEPS * rounds,
        Section::People => people::STEPS + rounds,
        Section::Summaries => summaries::STEPS + summaries::ROUND_STEPS * rounds,
        Section::Scale => scale::STEPS,
        Section::Pair => pair::STEPS * rounds,
        Section::Versus => versus::steps(arguments),
        Section::Processors => processors::STEPS * rounds,
        Section::FailingHead => failing_head::steps(rounds),
        Section::SlowWork => slow_work::STEPS,
        Section::Move => moving::STEPS,
        Section::Growth => growth::steps(arguments.sizes().len(), rounds),
        Section::Index => index::steps(arguments),
    }
}

/// Measures.
pub async fn run(section: Section, bench: &Bench) -> Result<Findings, Trouble> {
    match section {
        Section::Cost => cost::run(bench).await,
        Section::Journal => journal::run(bench).await,
        Section::Latency => latency::run(bench).await,
        Section::Overload => overload::run(bench).await,
        Section::Memory => memory::run(bench).await,
        Section::Start => start::run(bench).await,
        Section::Journeys => journeys::run(bench).await,
        Section::Pages => pages::run(bench).await,
        Section::Console => console::run(bench).await,
        Section::Live => live::run(bench).await,
        Section::Erase => erase::run(bench).await,
        Section::People => people::run(bench).await,
        Section::Summaries => summaries::run(bench).await,
        Section::Scale => scale::run(bench).await,
        Section::Pair => pair::run(bench).await,
        Section::Versus => versus::run(bench).await,
        Section::Processors => processors::run(bench).await,
        Section::FailingHead => failing_head::run(bench).await,
        Section::SlowWork => slow_work::run(bench).await,
        Section::Move => moving::run(bench).await,
        Section::Growth => growth::run(bench).await,
        Section::Index => index::run(bench).await,
    }
}
