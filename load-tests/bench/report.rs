//! What a run found: printed, as JSON, as drawings, and as a block of Markdown.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::findings::{Findings, Row};

/// The results of a run. Written anew after each section, so that what was
/// measured stays, whatever happens to a later one.
pub struct Report {
    folder: PathBuf,
    machine: Value,
    sections: Vec<(&'static str, Result<Findings, Trouble>)>,
}

impl Report {
    /// An empty one, to be written into a folder, which is made.
    pub fn new(folder: PathBuf, machine: Value) -> Result<Self, Trouble> {
        fs::create_dir_all(&folder).during("the folder for the results")?;
        Ok(Self { folder, machine, sections: Vec::new() })
    }

    /// Adds what a section found, or why it found nothing, and writes it all.
    pub fn add(
        &mut self,
        name: &'static str,
        found: Result<Findings, Trouble>,
    ) -> Result<(), Trouble> {
        if let Ok(findings) = &found {
            for chart in &findings.charts {
                chart.draw(&self.folder).during("a drawing")?;
            }
        }
        self.sections.push((name, found));
        let json = serde_json::to_string_pretty(&self.to_json()).during("the results")?;
        fs::write(self.folder.join("results.json"), json + "\n").during("results.json")?;
        fs::write(self.folder.join("results.md"), self.to_markdown()).during("results.md")
    }

    /// Whether no section failed and every target was met.
    pub fn is_clean(&self) -> bool {
        let has_failed = self.sections.iter().any(|(_, found)| found.is_err());
        !has_failed && self.rows().all(|row| row.is_met != Some(false))
    }

    /// Where it is written.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    fn found(&self) -> impl Iterator<Item = (&'static str, &Findings)> {
        self.sections.iter().filter_map(|(name, found)| Some((*name, found.as_ref().ok()?)))
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.found().flat_map(|(_, findings)| &findings.rows)
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        self.sections.iter().filter_map(|(name, found)| {
            let trouble = found.as_ref().err()?;
            Some(format!("{name} failed: {trouble}"))
        })
    }

    fn to_json(&self) -> Value {
        let targets: Vec<Value> = self
            .rows()
            .map(|row| {
                json!({
                    "what": row.what, "value": row.value, "measured": row.measured,
                    "target": row.target, "met": row.is_met,
                })
            })
            .collect();
        let figures: Map<String, Value> = self
            .found()
            .map(|(name, findings)| (name.to_owned(), findings.figures.clone()))
            .collect();
        json!({
            "run": self.machine,
            "targets": targets,
            "figures": figures,
            "failures": self.failures().collect::<Vec<_>>(),
        })
    }

    /// For `load-tests/RESULTS.md`.
    fn to_markdown(&self) -> String {
        let run = |name: &str| match &self.machine[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut text = format!(
            "## Benchmark, {}\n\n{} cores ({}) with {} GiB of memory, Linux {}, {}; {}, commit {}; \
             {}; mongod {}; load before {}. Made with:\n\n    {}\n\n",
            run("date").get(..10).unwrap_or_default(),
            run("cores"),
            run("cpu"),
            run("memoryGib"),
            run("kernel"),
            run("system"),
            run("service"),
            run("commit"),
            run("rustc"),
            run("mongod"),
            run("loadBefore"),
            run("command"),
        );
        text.push_str("| | measured | target | |\n|---|--:|--:|---|\n");
        for row in self.rows() {
            let verdict = verdict(row);
            let Row { what, measured, target, .. } = row;
            text.push_str(&format!("| {what} | {measured} | {target} | {verdict} |\n"));
        }
        for failure in self.failures() {
            text.push_str(&format!("\n{failure}\n"));
        }
        for (_, findings) in self.found() {
            for table in &findings.tables {
                text.push_str(&format!("\n### {}\n\n{}", table.title, table.to_markdown()));
            }
            for note in &findings.notes {
                text.push_str(&format!("\n{note}\n"));
            }
            for listing in &findings.listings {
                let body = listing.to_markdown();
                text.push_str(&format!("\n### {}\n\n{body}", listing.title));
            }
            for chart in &findings.charts {
                text.push_str(&format!("\n![{}]({})\n", chart.title, chart.file()));
            }
        }
        text
    }
}

fn verdict(row: &Row) -> &'static str {
    match row.is_met {
        Some(true) => "met",
        Some(false) => "**not met**",
        None => "",
    }
}

/// For a terminal.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = self.rows().map(|row| row.what.len()).max().unwrap_or(0);
        for row in self.rows() {
            let verdict = verdict(row).trim_matches('*');
            let Row { what, measured, target, .. } = row;
            writeln!(f, "{what:width$}  {measured:>14}  {target:18}  {verdict}")?;
        }
        for (_, findings) in self.found() {
            for table in &findings.tables {
                writeln!(f, "\n{}\n\n{}", table.title, table.to_markdown().trim_end())?;
            }
            for note in &findings.notes {
                writeln!(f, "\n{note}")?;
            }
            for listing in &findings.listings {
                writeln!(f, "\n{}\n\n{}", listing.title, listing.text.trim_end())?;
            }
        }
        for failure in self.failures() {
            writeln!(f, "\n{failure}")?;
        }
        Ok(())
    }
}
