//! How it came to where it is, as charts.

use trailkeep_event::Timestamp;

use super::slots::{Slot, end, slots};
use crate::console::chart::{Chart, Drawing, Fold, Series, Shape};
use crate::console::numbers::{counted, figure};
use crate::console::refused::why;
use crate::console::sight::Sight;
use crate::monitoring::history::Told;
use crate::monitoring::statistics::RefusedBecause;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Slots of the charts beside each other.
const SLOTS: usize = 60;

/// Of how many of them a row of the figures is.
const ROW: usize = 10;

/// Minutes from which on there is more to see by the minute than by the second.
const YOUNG: usize = 10;

/// Hours of the chart of the day.
const HOURS: usize = 24;

/// Reasons that have a part of their own in a bar.
const REASONS: usize = 3;

/// The hues of those.
const HUES: [u8; REASONS] = [1, 4, 2];
/// And of what is left.
const REST: u8 = 6;

/// The charts beside each other, and what time they are of.
pub struct Recent {
    pub title: &'static str,
    pub charts: Vec<Chart>,
}

/// What the charts of one time are made of.
struct Time {
    labels: Vec<String>,
    axis: Vec<String>,
    slots: Vec<Option<Slot>>,
    away_from: Option<usize>,
    away: String,
}

/// The last hour by the minute; of a process that is younger, the last ten minutes by ten
/// seconds. `away_since` is since when the database is away.
pub fn recent(
    minutes: &Told,
    seconds: &Told,
    away_since: Option<Timestamp>,
    sight: &Sight,
) -> Recent {
    let is_young = minutes.steps.len() < YOUNG;
    let (title, told, length) = match is_young {
        true => ("Last ten minutes", seconds, 10_000),
        false => ("Last hour", minutes, MINUTE_MS),
    };
    let count = i64::try_from(SLOTS).unwrap_or(i64::MAX);
    let from = end(told).plus_millis(-length * count);
    let starts = || (0..count).map(|slot| from.plus_millis(slot * length));
    let label = |at| if is_young { sight.clock(at).text } else { sight.minute(at).text };
    let time = Time {
        labels: starts().map(label).collect(),
        axis: starts().map(|at| sight.minute(at).text).collect(),
        slots: slots(told, from, length, SLOTS),
        away_from: away_since.map(|since| {
            let into = since.as_millis().saturating_sub(from.as_millis()).max(0);
            usize::try_from(into / length).unwrap_or(usize::MAX)
        }),
        away: away_since.map_or_else(String::new, |since| {
            format!(" The database is away since {}.", sight.since(since).text)
        }),
    };
    let charts = vec![events(&time), backlog(&time), writes(&time), refused(&time)];
    Recent { title, charts }
}

impl Time {
    fn values(&self, of: impl Fn(&Slot) -> Option<f64>) -> Vec<Option<f64>> {
        self.slots.iter().map(|slot| slot.as_ref().and_then(&of)).collect()
    }

    fn chart(
        &self,
        (id, title): (&'static str, &str),
        (shape, fold): (Shape, Fold),
        series: Vec<Series>,
        told: String,
    ) -> Chart {
        Chart::new(Drawing {
            id,
            title: title.to_owned(),
            level: 3,
            shape,
            is_whole: shape != Shape::Lines,
            labels: self.labels.clone(),
            axis: self.axis.clone(),
            step: "From",
            series,
            told: told + &self.away,
            rows: (ROW, fold),
            away_from: self.away_from,
        })
    }
}

fn series(name: &str, hue: u8, values: Vec<Option<f64>>) -> Series {
    Series { name: name.to_owned(), note: String::new(), hue, is_dashed: false, values }
}

fn events(time: &Time) -> Chart {
    let accepted = time.values(|slot| Some(slot.a_second(slot.accepted)));
    let stored = time.values(|slot| Some(slot.a_second(slot.stored)));
    let told = format!(
        "Accepted {} events a second, {} at the end. Stored {}, {} at the end.",
        between(&accepted),
        newest(&accepted),
        between(&stored),
        newest(&stored)
    );
    let stored = Series { is_dashed: true, ..series("stored", 2, stored) };
    let both = vec![series("accepted", 1, accepted), stored];
    time.chart(("events", "Events a second"), (Shape::Lines, Fold::Mean), both, told)
}

fn backlog(time: &Time) -> Chart {
    let held = time.values(|slot| Some(f64::from(slot.held)));
    let most = held.iter().flatten().copied().fold(0.0, f64::max);
    let told = format!("At most {} events, {} at the end.", figure(most), newest(&held));
    let held = vec![series("accepted, not stored", 1, held)];
    time.chart(("backlog", "Backlog, events"), (Shape::Areas, Fold::Most), held, told)
}

fn writes(time: &Time) -> Chart {
    let took = time.values(Slot::write_ms);
    let told = match took.iter().flatten().next() {
        None => "Nothing was written.".to_owned(),
        Some(_) => format!("A write took {} ms on average.", between(&took)),
    };
    let took = vec![series("on average", 1, took)];
    time.chart(("writes", "Write time, ms"), (Shape::Lines, Fold::Mean), took, told)
}

#[allow(clippy::cast_precision_loss)] // requests of a slot
fn refused(time: &Time) -> Chart {
    let sum = |at: usize| time.slots.iter().flatten().map(|slot| slot.refused[at]).sum::<u64>();
    let mut reasons: Vec<(usize, u64)> =
        (0..RefusedBecause::ALL.len()).map(|at| (at, sum(at))).collect();
    reasons.retain(|(_, count)| *count > 0);
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let total: u64 = reasons.iter().map(|(_, count)| count).sum();
    let told = match reasons.first() {
        None => "No request was refused.".to_owned(),
        Some((at, _)) => format!(
            "{} refused, most of them: {}.",
            counted(total, "request was", "requests were"),
            why(RefusedBecause::ALL[*at])
        ),
    };
    let of = |places: &[(usize, u64)]| {
        let places: Vec<usize> = places.iter().map(|(at, _)| *at).collect();
        time.values(|slot| Some(places.iter().map(|at| slot.refused[*at]).sum::<u64>() as f64))
    };
    let (own, rest) = reasons.split_at(reasons.len().min(REASONS));
    let mut parts: Vec<Series> = own
        .iter()
        .zip(HUES)
        .map(|(one, hue)| series(why(RefusedBecause::ALL[one.0]), hue, of(&[*one])))
        .collect();
    if !rest.is_empty() {
        parts.push(series("other reasons", REST, of(rest)));
    }
    time.chart(("refusals", "Refused requests"), (Shape::Bars, Fold::Sum), parts, told)
}

/// The last 24 hours of the clock; the last of them has what waits still.
#[allow(clippy::cast_precision_loss)] // events of an hour
pub fn day(minutes: &Told, waiting: u64, sight: &Sight) -> Chart {
    let count = i64::try_from(HOURS).unwrap_or(i64::MAX);
    let from = sight.hour(sight.now).plus_millis(-(count - 1) * HOUR_MS);
    let slots = slots(minutes, from, HOUR_MS, HOURS);
    let starts = (0..count).map(|hour| from.plus_millis(hour * HOUR_MS));
    let values = |of: fn(&Slot) -> u64| -> Vec<Option<f64>> {
        slots.iter().map(|slot| slot.as_ref().map(|slot| of(slot) as f64)).collect()
    };
    let sum = |of: fn(&Slot) -> u64| slots.iter().flatten().map(of).sum::<u64>();
    let mut told = format!(
        "{} stored, {} known already",
        counted(sum(|slot| slot.stored), "event was", "events were"),
        counted(sum(|slot| slot.duplicate), "was", "were"),
    );
    let mut parts = vec![
        series("stored", 1, values(|slot| slot.stored)),
        series("known already", 2, values(|slot| slot.duplicate)),
    ];
    let set_aside = sum(|slot| slot.dead_lettered);
    if set_aside > 0 {
        told += &format!(", {} set aside", counted(set_aside, "was", "were"));
        parts.push(series("set aside", 5, values(|slot| slot.dead_lettered)));
    }
    if waiting > 0 {
        told += &format!(", {} on disk", counted(waiting, "waits", "wait"));
        let mut values = vec![None; HOURS - 1];
        values.push(Some(waiting as f64));
        parts.push(series("waiting on disk", 4, values));
    }
    Chart::new(Drawing {
        id: "hours",
        title: "Events an hour, by what became of them".to_owned(),
        level: 3,
        shape: Shape::Bars,
        is_whole: true,
        labels: starts.map(|at| sight.minute(at).text).collect(),
        axis: Vec::new(),
        step: "Hour",
        series: parts,
        told: told + ".",
        rows: (1, Fold::Sum),
        away_from: None,
    })
}

/// `between 160 and 205`, or `3` where it is always the same.
fn between(values: &[Option<f64>]) -> String {
    let least = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    match (figure(least.min(most)), figure(most)) {
        (least, most) if least == most => most,
        (least, most) => format!("between {least} and {most}"),
    }
}

fn newest(values: &[Option<f64>]) -> String {
    figure(values.iter().rev().copied().flatten().next().unwrap_or(0.0))
}

#[cfg(test)]
mod tests;
