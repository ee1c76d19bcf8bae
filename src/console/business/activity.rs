//! The events of an account by type over time, as a chart.

use std::collections::BTreeMap;

use trailkeep_event::Timestamp;
use trailkeep_store::summaries::{Bucket, Summary};

use crate::console::chart::{Chart, Drawing, Fold, Series, Shape};
use crate::console::journey::sentence::{Hue, look, name};
use crate::console::numbers::{counted, thousands};
use crate::console::sight::Sight;
use crate::summaries::{Window, all_buckets};

/// Types that have a part of their own in a bar, and the hues of these.
const HUES: [u8; 4] = [1, 2, 3, 4];
/// What tells that something went wrong.
const WRONG: u8 = 5;
/// All that is left.
const REST: u8 = 6;

/// Types that are one part of each bar.
struct Part {
    name: String,
    hue: u8,
    types: Vec<String>,
    total: u64,
}

/// What was counted, and the parts of its bars.
pub struct Activity<'a> {
    window: Window,
    /// The ends of the window.
    ends: (Timestamp, Timestamp),
    summary: &'a Summary,
    parts: Vec<Part>,
}

impl<'a> Activity<'a> {
    /// Of what was counted: the types with most events, what is left of those that tell of
    /// nothing wrong, and those that do.
    pub fn new(window: Window, ends: (Timestamp, Timestamp), summary: &'a Summary) -> Self {
        let mut types: Vec<(&String, u64)> =
            summary.totals.iter().map(|(kind, events)| (kind, *events)).collect();
        types.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
        let (wrong, others): (Vec<_>, Vec<_>) =
            types.into_iter().partition(|(kind, _)| look(kind).1 == Hue::Err);
        let (own, rest) = others.split_at(match others.len() {
            // One type alone is told by its name.
            most if most <= HUES.len() + 1 => most,
            _ => HUES.len(),
        });
        let hues = HUES.into_iter().chain([REST]);
        let mut parts: Vec<Part> =
            own.iter().zip(hues).filter_map(|(one, hue)| Part::of(&[*one], hue, "")).collect();
        parts.extend(Part::of(rest, REST, "other types"));
        parts.extend(Part::of(&wrong, WRONG, "kinds of errors"));
        Self { window, ends, summary, parts }
    }

    /// Events that tell that something went wrong.
    pub fn errors(&self) -> u64 {
        self.parts.iter().filter(|part| part.hue == WRONG).map(|part| part.total).sum()
    }

    /// The chart: a bar for each hour, or of a week for each day of whoever looks.
    #[allow(clippy::cast_precision_loss)] // events of a day
    pub fn chart(&self, sight: &Sight) -> Chart {
        let is_week = self.window == Window::Last7d;
        let bars = self.bars(sight);
        let series = self.parts.iter().map(|part| Series {
            name: part.name.clone(),
            note: thousands(part.total),
            hue: part.hue,
            is_dashed: false,
            values: bars.iter().map(|(_, totals)| Some(part.in_bar(totals) as f64)).collect(),
        });
        let unit = if is_week { "day" } else { "hour" };
        Chart::new(Drawing {
            id: "by-type",
            title: format!("Events {}, by type", if is_week { "a day" } else { "an hour" }),
            level: 2,
            shape: Shape::Bars,
            is_whole: true,
            labels: bars.iter().map(|(label, _)| label.clone()).collect(),
            axis: Vec::new(),
            step: if is_week { "Day" } else { "Hour" },
            series: series.collect(),
            told: self.told(unit, &bars),
            rows: (1, Fold::Sum),
            away_from: None,
        })
    }

    fn told(&self, unit: &str, bars: &[(String, BTreeMap<&str, u64>)]) -> String {
        let most = self.parts.iter().max_by_key(|part| part.total);
        let (Some(most), true) = (most, self.summary.total > 0) else {
            return "No events.".to_owned();
        };
        let busiest = bars.iter().max_by_key(|(_, totals)| totals.values().sum::<u64>());
        let busiest = busiest.map_or("", |(label, _)| label);
        let mut told = format!(
            "{}, {} of them {}; most in the {unit} {busiest}.",
            counted(self.summary.total, "event", "events"),
            thousands(most.total),
            most.name
        );
        let errors = self.errors();
        if errors > 0 {
            told += &format!(" {} that something went wrong.", counted(errors, "tells", "tell"));
        }
        told
    }

    /// What each bar is called, and the events of each type in it.
    fn bars(&self, sight: &Sight) -> Vec<(String, BTreeMap<&'a str, u64>)> {
        let is_week = self.window == Window::Last7d;
        let (from, to) = self.ends;
        let mut bars: Vec<(String, BTreeMap<&str, u64>)> = Vec::new();
        for (at, totals) in all_buckets(Bucket::Hour, from, to, &self.summary.series) {
            let label = match is_week {
                true => sight.day(at).format("%-d %b").to_string(),
                false => sight.minute(at).text,
            };
            if !is_week || bars.last().is_none_or(|(last, _)| *last != label) {
                bars.push((label, BTreeMap::new()));
            }
            let Some((_, bar)) = bars.last_mut() else { continue };
            for (kind, events) in totals {
                *bar.entry(kind).or_default() += events;
            }
        }
        bars
    }
}

impl Part {
    fn of(types: &[(&String, u64)], hue: u8, more: &str) -> Option<Self> {
        Some(Self {
            name: match types {
                [] => return None,
                [(kind, _)] => name(kind),
                types => format!("{} {more}", types.len()),
            },
            hue,
            types: types.iter().map(|(kind, _)| (*kind).clone()).collect(),
            total: types.iter().map(|(_, events)| events).sum(),
        })
    }

    fn in_bar(&self, totals: &BTreeMap<&str, u64>) -> u64 {
        self.types.iter().filter_map(|kind| totals.get(&**kind)).sum()
    }
}

#[cfg(test)]
mod tests;
