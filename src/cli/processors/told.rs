//! What the service answers about processors, as it is printed.

use serde::Deserialize;
use serde_json::Value;

/// How a processor is doing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Processor {
    name: String,
    state: String,
    problem: Option<String>,
    lag: Lag,
    in_flight: u64,
    stuck_users: u64,
    dead_letters: Option<u64>,
}

#[derive(Deserialize)]
struct Lag {
    events: u64,
    seconds: u64,
}

/// What came of a command.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commanded {
    pub command_id: String,
    pub state: String,
    message: String,
    events: Option<u64>,
}

/// A processor on a line.
pub fn row(processor: &Processor) -> String {
    let Processor { name, state, lag, in_flight, stuck_users, .. } = processor;
    let letters = processor.dead_letters.map_or("?".to_owned(), |letters| letters.to_string());
    let mut row = format!(
        "{name}\t{state}\tlag {} events, {} s\t{in_flight} in flight\t{stuck_users} stuck users\t\
         {letters} dead letters\n",
        lag.events, lag.seconds
    );
    if let Some(problem) = &processor.problem {
        row.push_str(&format!("\t{problem}\n"));
    }
    row
}

/// A row as JSON on each line.
pub fn lines(rows: &Value) -> String {
    rows.as_array().into_iter().flatten().map(|row| format!("{row}\n")).collect()
}

/// What came of a command, in words.
pub fn told(commanded: Commanded) -> String {
    let events = commanded.events.map_or(String::new(), |events| format!("{events} "));
    format!("{events}{}\n", commanded.message)
}
