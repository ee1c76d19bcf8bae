//! What a section found, in the form in which it is reported.

use serde_json::Value;

use crate::chart::Chart;

/// What a section found.
#[derive(Default)]
pub struct Findings {
    /// Rows of the table of targets.
    pub rows: Vec<Row>,
    /// All figures, as they go into the results.
    pub figures: Value,
    /// Drawings.
    pub charts: Vec<Chart>,
    /// Tables of its own.
    pub tables: Vec<Table>,
    /// What a reader has to know.
    pub notes: Vec<String>,
    /// What a program said, in its own words.
    pub listings: Vec<Listing>,
}

/// One promise, and what was measured.
pub struct Row {
    pub what: String,
    pub measured: String,
    pub target: String,
    /// `None` where nothing is promised.
    pub is_met: Option<bool>,
    pub value: f64,
}

impl Row {
    /// A figure that must not pass a limit.
    pub fn at_most(what: impl Into<String>, value: f64, limit: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            measured: with_unit(value, unit),
            target: format!("at most {}", plain(limit, unit)),
            is_met: Some(value <= limit),
            value,
        }
    }

    /// A figure that must not fall below a limit.
    pub fn at_least(what: impl Into<String>, value: f64, limit: f64, unit: &str) -> Self {
        Self {
            target: format!("at least {}", plain(limit, unit)),
            is_met: Some(value >= limit),
            ..Self::figure(what, value, unit)
        }
    }

    /// A figure without a promise.
    pub fn figure(what: impl Into<String>, value: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            measured: with_unit(value, unit),
            target: String::new(),
            is_met: None,
            value,
        }
    }
}

/// A limit as it was set.
fn plain(limit: f64, unit: &str) -> String {
    format!("{limit} {unit}").trim_end().to_owned()
}

/// A value with three digits that count, or all before the point.
fn with_unit(value: f64, unit: &str) -> String {
    format!("{} {unit}", digits(value)).trim_end().to_owned()
}

/// Three digits that count, or all before the point.
pub fn digits(value: f64) -> String {
    match value.abs() {
        nothing if nothing.is_nan() => "-".to_owned(),
        below if below < 10.0 => format!("{value:.2}"),
        below if below < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Figures side by side.
pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: what it is about, and its figures.
    pub fn add(&mut self, about: impl Into<String>, figures: &[f64]) {
        let mut row = vec![about.into()];
        row.extend(figures.iter().copied().map(digits));
        self.rows.push(row);
    }

    /// As Markdown.
    pub fn to_markdown(&self) -> String {
        let alignment = vec!["--:".to_owned(); self.columns.len()];
        let rows = [&self.columns, &alignment].into_iter().chain(&self.rows);
        let lines: Vec<String> = rows.map(|row| format!("| {} |", row.join(" | "))).collect();
        lines.join("\n") + "\n"
    }
}

/// Text that keeps its lines.
pub struct Listing {
    pub title: String,
    pub text: String,
}

impl Listing {
    /// As Markdown: indented, for the lines may hold anything.
    pub fn to_markdown(&self) -> String {
        self.text.lines().map(|line| format!("    {line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_at_its_limit() {
        assert_eq!(Row::at_most("a", 3.0, 3.0, "us").is_met, Some(true));
        assert_eq!(Row::at_most("a", 3.01, 3.0, "us").is_met, Some(false));
        assert_eq!(Row::at_least("a", 0.9, 0.9, "").is_met, Some(true));
        assert_eq!(Row::at_least("a", f64::NAN, 0.9, "").is_met, Some(false));
    }

    #[test]
    fn figures_show_three_digits() {
        assert_eq!(digits(1.2345), "1.23");
        assert_eq!(digits(12.345), "12.3");
        assert_eq!(digits(12345.6), "12346");
        assert_eq!(digits(f64::NAN), "-");
    }
}
