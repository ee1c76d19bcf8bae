//! A journey as text: JSON objects, JSON lines, CSV.

use std::io;

use trailkeep_store::{JsonKeys, StoredEvent};

/// Appends one event as a JSON object.
pub fn write_json(event: &StoredEvent, out: &mut Vec<u8>) {
    event.write_json(&JsonKeys::JOURNEY, out);
}

/// The columns of the CSV form.
const COLUMNS: [&str; 9] = [
    "eventId",
    "userId",
    "anonymousId",
    "sessionId",
    "accountId",
    "type",
    "occurredAt",
    "receivedAt",
    "payload",
];

/// The head line of the CSV form (RFC 4180).
pub fn csv_head() -> io::Result<Vec<u8>> {
    csv_line(COLUMNS)
}

/// Appends one event as a line of CSV.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe in
/// front: its text came from the outside, and the reader is support staff.
pub fn write_csv(event: &StoredEvent, out: &mut Vec<u8>) -> io::Result<()> {
    let optional = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let cells = [
        event.event_id.to_string(),
        event.user_id.to_string(),
        optional(&event.anonymous_id),
        optional(&event.session_id),
        optional(&event.account_id),
        event.kind.to_string(),
        event.occurred_at.to_string(),
        event.received_at.to_string(),
        event.payload.to_string(),
    ];
    out.extend_from_slice(&csv_line(cells.map(without_formula))?);
    Ok(())
}

fn csv_line<T: AsRef<[u8]>>(cells: [T; 9]) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::with_capacity(256));
    writer.write_record(cells)?;
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

fn without_formula(cell: String) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{cell}"),
        _ => cell,
    }
}

#[cfg(test)]
mod tests;
