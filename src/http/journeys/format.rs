//! In which form a journey is answered.

use axum::http::{HeaderMap, header};

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One page.
    Json,
    /// The whole range, an event a line.
    Ndjson,
    /// The whole range, an event a row.
    Csv,
}

impl Format {
    /// The first of our formats that the client names; JSON where it names none.
    pub fn wanted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        accept
            .unwrap_or_default()
            .split(',')
            .find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                "application/json" => Some(Self::Json),
                "application/x-ndjson" => Some(Self::Ndjson),
                "text/csv" => Some(Self::Csv),
                _ => None,
            })
            .unwrap_or(Self::Json)
    }

    /// Its name in `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}
