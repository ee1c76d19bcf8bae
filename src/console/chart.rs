//! Numbers as pictures: lines with axes and stacked bars, as SVG. Pure.
//!
//! Widths come from `viewBox`, as no page has style attributes. A picture stretches to its
//! place, 100 units high; so all text stands beside it. Whoever cannot see it has a
//! sentence for the whole, and the figures as a table.

mod scale;

use std::fmt::Write as _;

use askama::Template;

use super::numbers::{figure, short};
use scale::{ceiling, cells, stack};

/// Units of the plot from the bottom to the top.
const HEIGHT: f64 = 100.0;

/// Units of a step that is a bar, and of the bar in it.
const STEP: usize = 10;
const BAR: usize = 8;

/// How numbers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Lines,
    /// Lines above what they fill.
    Areas,
    /// The bars of all series on each other.
    Bars,
}

/// How the figures of several steps become one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Mean,
    Most,
}

/// One line, or one part of each bar.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    /// Said behind the name in the legend.
    pub note: String,
    /// Which hue of the stylesheet, 1 to 6.
    pub hue: u8,
    pub is_dashed: bool,
    /// A number for each step; `None` where there is none.
    pub values: Vec<Option<f64>>,
}

/// What a chart is made of.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// By which the page refers to it.
    pub id: &'static str,
    pub title: String,
    /// Of which level its heading is.
    pub level: u8,
    pub shape: Shape,
    /// Whether there is nothing between one number and the next.
    pub is_whole: bool,
    /// What each step is called.
    pub labels: Vec<String>,
    /// The same below the plot, where less has room; empty where it is the same.
    pub axis: Vec<String>,
    /// What the steps are, as the head of their column.
    pub step: &'static str,
    pub series: Vec<Series>,
    /// The whole in a sentence.
    pub told: String,
    /// Steps that are one row of the figures, and how.
    pub rows: (usize, Fold),
    /// From which step on the database is away.
    pub away_from: Option<usize>,
}

/// A chart, ready for a page.
#[derive(Template)]
#[template(path = "chart.html")]
pub struct Chart {
    id: &'static str,
    title: String,
    level: u8,
    told: String,
    width: usize,
    legend: Vec<Key>,
    /// From the top to the bottom.
    y: Vec<String>,
    x: Vec<String>,
    away: Option<usize>,
    paths: Vec<Path>,
    hits: Vec<Hit>,
    step: &'static str,
    rows: Vec<(String, Vec<String>)>,
}

/// A name of the legend.
struct Key {
    name: String,
    note: String,
    class: String,
}

/// A part of the picture.
struct Path {
    class: String,
    d: String,
}

/// A step to point at.
struct Hit {
    x: usize,
    width: usize,
    title: String,
}

impl Chart {
    /// Draws it.
    pub fn new(drawing: Drawing) -> Self {
        let steps = drawing.labels.len();
        let unit = if drawing.shape == Shape::Bars { STEP } else { 1 };
        let top = ceiling(most(&drawing), drawing.is_whole);
        let quarters = (0..=4).rev().map(|quarter| short(top * f64::from(quarter) / 4.0));
        let parts = cells(steps);
        let axis = if drawing.axis.is_empty() { &drawing.labels } else { &drawing.axis };
        let x = (0..parts).filter_map(|cell| axis.get(cell * steps / parts).cloned());
        Self {
            y: quarters.collect(),
            x: x.collect(),
            width: (steps * unit).max(1),
            legend: drawing.series.iter().map(Key::new).collect(),
            away: drawing.away_from.filter(|from| *from < steps).map(|from| from * unit),
            paths: match drawing.shape {
                Shape::Bars => bars(&drawing.series, steps, top),
                shape => {
                    drawing.series.iter().rev().flat_map(|one| line(one, shape, top)).collect()
                }
            },
            hits: (0..steps).map(|step| hit(&drawing, step, unit)).collect(),
            rows: rows(&drawing),
            id: drawing.id,
            title: drawing.title,
            level: drawing.level,
            told: drawing.told,
            step: drawing.step,
        }
    }
}

impl Key {
    fn new(series: &Series) -> Self {
        let dash = if series.is_dashed { " dash" } else { "" };
        let class = format!("s{}{dash}", series.hue);
        Self { name: series.name.clone(), note: series.note.clone(), class }
    }
}

/// The highest point.
fn most(drawing: &Drawing) -> f64 {
    let at = |step: usize| {
        drawing.series.iter().map(move |one| one.values.get(step).copied().flatten().unwrap_or(0.0))
    };
    let highest = (0..drawing.labels.len()).map(|step| match drawing.shape {
        Shape::Bars => at(step).sum(),
        Shape::Lines | Shape::Areas => at(step).fold(0.0, f64::max),
    });
    highest.fold(0.0, f64::max)
}

/// A line, broken where there are no numbers, in front of what it fills.
fn line(series: &Series, shape: Shape, top: f64) -> Vec<Path> {
    let (mut line, mut area) = (String::new(), String::new());
    let mut step = 0;
    for run in series.values.split(Option::is_none) {
        let start = step;
        step += run.len() + 1;
        let points = run.iter().flatten().enumerate();
        let mut points = points.map(|(at, value)| (middle(start + at), round(height(*value, top))));
        let Some((first, y)) = points.next() else { continue };
        let mut trace = format!("M{first} {y}");
        let mut last = first;
        for (x, y) in points {
            let _ = write!(trace, "L{x} {y}");
            last = x;
        }
        let _ = write!(area, "{trace}L{last} {HEIGHT}L{first} {HEIGHT}z");
        line += &trace;
        if last <= first {
            // A point alone has no length that could be seen.
            line += "h.5";
        }
    }
    let dash = if series.is_dashed { " dash" } else { "" };
    let line = Path { class: format!("ln s{}{dash}", series.hue), d: line };
    let area = Path { class: format!("ar s{}", series.hue), d: area };
    if shape == Shape::Areas { vec![area, line] } else { vec![line] }
}

#[allow(clippy::cast_precision_loss)] // some hundreds of steps
fn middle(step: usize) -> f64 {
    step as f64 + 0.5
}

/// How far below the top a value is.
fn height(value: f64, top: f64) -> f64 {
    HEIGHT - (value / top).clamp(0.0, 1.0) * HEIGHT
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// A path for each series, with its part of every bar.
fn bars(series: &[Series], steps: usize, top: f64) -> Vec<Path> {
    let mut paths: Vec<Path> = series
        .iter()
        .map(|one| Path { class: format!("fl s{}", one.hue), d: String::new() })
        .collect();
    for step in 0..steps {
        let values = series.iter().map(|one| one.values.get(step).copied().flatten());
        let values: Vec<f64> = values.map(|value| value.unwrap_or(0.0)).collect();
        let mut y = HEIGHT;
        for (path, height) in paths.iter_mut().zip(stack(&values, top)) {
            if height > 0.0 {
                y -= height;
                let (x, y, height) = (step * STEP + (STEP - BAR) / 2, round(y), round(height));
                let _ = write!(path.d, "M{x} {y}h{BAR}v{height}h-{BAR}z");
            }
        }
    }
    paths
}

fn hit(drawing: &Drawing, step: usize, unit: usize) -> Hit {
    let is_bar = drawing.shape == Shape::Bars;
    let said = drawing.series.iter().filter_map(|one| {
        let value = one.values.get(step).copied().flatten()?;
        // Of a bar only those parts are told that it has.
        (!is_bar || value > 0.0).then(|| format!("{} {}", one.name, figure(value)))
    });
    let said: Vec<String> = said.collect();
    let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
    let label = drawing.labels.get(step).map_or("", String::as_str);
    Hit { x: step * unit, width: unit, title: format!("{label}: {said}") }
}

/// The figures, several steps together.
fn rows(drawing: &Drawing) -> Vec<(String, Vec<String>)> {
    let (every, fold) = drawing.rows;
    let every = every.max(1);
    let starts = (0..drawing.labels.len()).step_by(every);
    let row = |start: usize| {
        let figures = drawing.series.iter().map(|one| {
            let values = one.values.iter().skip(start).take(every).flatten();
            folded(values.copied(), fold).map_or_else(|| "–".to_owned(), figure)
        });
        (drawing.labels[start].clone(), figures.collect())
    };
    starts.map(row).collect()
}

#[allow(clippy::cast_precision_loss)] // some hundreds of steps
fn folded(values: impl Iterator<Item = f64>, fold: Fold) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| match fold {
        Fold::Sum => sum,
        Fold::Mean => sum / values.len() as f64,
        Fold::Most => values.iter().copied().fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests;
