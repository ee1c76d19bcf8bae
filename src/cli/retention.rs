//! `trailkeep retention`: how much of what is stored goes, and when, by the settings in
//! force or by others that are given as flags.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{HumanCount, ProgressBar};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use trailkeep_event::Timestamp;
use trailkeep_store::embedded::{self, Hold, OpenError};
use trailkeep_store::mongo::{MongoOpenError, MongoStore};
use trailkeep_store::{Aged, Retention, StoreError};

use super::flags::Flags;
use crate::app;
use crate::config::{MongodbUri, Settings};
use crate::console::sight::length_of;

/// Days from now by which it is told how much is gone.
const WITHIN_DAYS: [u64; 4] = [0, 1, 7, 30];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What can be asked about the retention.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Print how many events go, and when; changes nothing
    #[command(after_help = "\
With --set it says what other settings would do, before they are in force:
  trailkeep retention show --set store.retention_days=90
It reads all events, which on a large database takes minutes.")]
    Show {
        /// One JSON object instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Show { flags, .. } => flags,
        }
    }
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum RetentionError {
    /// The file cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The URI cannot be used.
    #[error(transparent)]
    Uri(#[from] MongoOpenError),
    /// The database does not answer, or refuses us.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no runtime.
    #[error("this system gives no threads to ask the database with: {0}")]
    Runtime(#[from] io::Error),
}

/// Does it. What comes back is for standard output.
pub(super) fn run(command: Command, settings: &Settings) -> Result<String, RetentionError> {
    let Command::Show { json, .. } = command;
    let retention = app::retention(settings);
    let counting = ProgressBar::new_spinner().with_message("counting events");
    counting.enable_steady_tick(Duration::from_millis(100));
    let mut groups = Groups::new(&retention);
    let each = |aged: Aged| groups.add(&retention, &aged);
    match &settings.store.mongodb_uri {
        Some(uri) => Runtime::new()?.block_on(of_mongodb(settings, uri, each))?,
        None => of_folder(settings, each)?,
    }
    counting.finish_and_clear();
    Ok(if json { groups.json().to_string() + "\n" } else { groups.table() })
}

/// A folder without a database has no events.
fn of_folder(settings: &Settings, each: impl FnMut(Aged)) -> Result<(), RetentionError> {
    let folder = &settings.store.data_dir;
    let is_held = matches!(embedded::hold(folder), Ok(Hold::Process(_)));
    embedded::ages(folder, is_held, Timestamp::now(), each)?;
    Ok(())
}

async fn of_mongodb(
    settings: &Settings,
    uri: &MongodbUri,
    each: impl FnMut(Aged),
) -> Result<(), RetentionError> {
    let store = MongoStore::connect(uri.expose(), &app::of_mongodb(settings)).await?;
    Ok(store.ages(Timestamp::now(), each).await?)
}

/// Events that are kept alike: those of a type that differs, or all others, whose name is
/// none.
struct Groups(BTreeMap<Option<Box<str>>, Group>);

struct Group {
    kept: Option<Duration>,
    events: u64,
    /// How many are gone by the days of [`WITHIN_DAYS`].
    gone: [u64; WITHIN_DAYS.len()],
}

impl Groups {
    fn new(retention: &Retention) -> Self {
        let group = |kept| Group { kept, events: 0, gone: [0; WITHIN_DAYS.len()] };
        let types = retention.types().map(|(kind, kept)| (Some(kind.into()), group(kept)));
        Self(types.chain([(None, group(retention.of_others()))]).collect())
    }

    fn add(&mut self, retention: &Retention, aged: &Aged) {
        let own = Some(aged.kind.clone());
        let name = if self.0.contains_key(&own) { own } else { None };
        let Some(group) = self.0.get_mut(&name) else { return };
        group.events += aged.events;
        let Some(kept) = retention.of(&aged.kind) else { return };
        for (gone, within) in group.gone.iter_mut().zip(WITHIN_DAYS) {
            if aged.days + within >= kept.as_secs() / DAY.as_secs() {
                *gone += aged.events;
            }
        }
    }

    /// Other types come last.
    fn in_order(&self) -> impl Iterator<Item = (Option<&str>, &Group)> {
        let (others, types): (Vec<_>, Vec<_>) = self.0.iter().partition(|(name, _)| name.is_none());
        types.into_iter().chain(others).map(|(name, group)| (name.as_deref(), group))
    }

    fn json(&self) -> Value {
        let groups = self.in_order().map(|(kind, group)| {
            json!({
                "type": kind,
                "retentionDays": group.kept.map(|kept| kept.as_secs() / DAY.as_secs()),
                "events": group.events,
                "goneNow": group.gone[0],
                "goneIn1Day": group.gone[1],
                "goneIn7Days": group.gone[2],
                "goneIn30Days": group.gone[3],
            })
        });
        json!({ "types": groups.collect::<Vec<_>>() })
    }

    fn table(&self) -> String {
        let head = ["TYPE", "KEPT", "EVENTS", "GONE NOW", "IN 1 DAY", "IN 7 DAYS", "IN 30 DAYS"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.in_order().map(|(kind, group)| {
            let is_alone = self.0.len() == 1;
            let others = if is_alone { "(all)" } else { "(others)" };
            let gone = group.gone.map(|gone| match group.kept {
                Some(_) => HumanCount(gone).to_string(),
                None => "-".to_owned(),
            });
            let [now, day, week, month] = gone;
            let kept = group.kept.map(|kept| length_of(kept).to_string());
            let kept = kept.unwrap_or_else(|| "for good".to_owned());
            let events = HumanCount(group.events).to_string();
            [kind.unwrap_or(others).to_owned(), kept, events, now, day, week, month]
        }));
        let mut text = String::new();
        for row in &rows {
            let widths = (0..head.len()).map(|column| width(&rows, column));
            for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
                let _ = match index {
                    0 | 1 => write!(text, "{cell:<width$}  "),
                    6 => writeln!(text, "{cell:>width$}"),
                    _ => write!(text, "{cell:>width$}  "),
                };
            }
        }
        text
    }
}

fn width(rows: &[[String; 7]], column: usize) -> usize {
    rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(retention: &Retention) -> Groups {
        let mut groups = Groups::new(retention);
        for (kind, days, events) in
            [("order", 400, 7), ("page_view", 5, 1_000), ("page_view", 0, 20), ("login", 29, 3)]
        {
            groups.add(retention, &Aged { kind: kind.into(), days, events });
        }
        groups
    }

    #[test]
    fn each_type_is_told_that_differs_and_all_others_together() {
        let types = [("order".into(), None), ("page_view".into(), Some(DAY * 7))];
        let retention = Retention::of_all(Some(DAY * 30)).with_types(types);
        assert_eq!(
            counted(&retention).table(),
            "TYPE       KEPT      EVENTS  GONE NOW  IN 1 DAY  IN 7 DAYS  IN 30 DAYS\n\
             order      for good       7         -         -          -           -\n\
             page_view  7 days     1,020         0         0      1,020       1,020\n\
             (others)   30 days        3         0         3          3           3\n"
        );
        let json = counted(&retention).json();
        assert_eq!(json["types"][1]["retentionDays"], 7);
        assert_eq!(json["types"][2]["type"], Value::Null);
        assert_eq!(json["types"][2]["goneIn1Day"], 3);
    }

    #[test]
    fn what_is_past_its_time_goes_now() {
        let groups = counted(&Retention::of_all(Some(DAY)));
        let json = groups.json();
        assert_eq!(
            (&json["types"][0]["events"], &json["types"][0]["goneNow"]),
            (&1_030.into(), &1_010.into())
        );
        assert_eq!(
            groups.table().lines().nth(1),
            Some("(all)  1 day   1,030     1,010     1,030      1,030       1,030")
        );
    }
}
