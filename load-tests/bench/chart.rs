//! Drawings of results, as SVG.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

const SIZE: (u32, u32) = (760, 420);
const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(90, 90, 90),
];

/// Lines over one axis.
pub struct Chart {
    /// The file's name, without its ending.
    pub name: String,
    pub title: String,
    pub x: Axis,
    pub y: &'static str,
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// How the horizontal axis is divided.
#[derive(Clone, Copy)]
pub enum Axis {
    /// Evenly.
    Linear(&'static str),
    /// Each step ten times the one before.
    Logarithmic(&'static str),
    /// Shares from 0 to 1; each step a tenth of what is left up to 1.
    Percentiles(&'static str),
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Self::Linear(name) | Self::Logarithmic(name) | Self::Percentiles(name) => name,
        }
    }

    fn place(self, x: f64) -> f64 {
        match self {
            Self::Linear(_) => x,
            Self::Logarithmic(_) => x.log10(),
            Self::Percentiles(_) => -(1.0 - x).max(1e-6).log10(),
        }
    }

    fn label(self, place: f64) -> String {
        match self {
            Self::Linear(_) => short(place),
            Self::Logarithmic(_) => short(10_f64.powf(place)),
            Self::Percentiles(_) => {
                let percent = 100.0 - 10_f64.powf(2.0 - place);
                format!("p{}", (percent * 1000.0).round() / 1000.0)
            }
        }
    }
}

/// A number in the space of a label.
fn short(number: f64) -> String {
    let (value, suffix) = match number.abs() {
        large if large >= 999_500.0 => (number / 1e6, "M"),
        medium if medium >= 999.5 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    format!("{}{suffix}", (value * 100.0).round() / 100.0)
}

impl Chart {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.svg", self.name)
    }

    /// Draws it into a folder.
    pub fn draw(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let file = folder.join(self.file());
        let area = SVGBackend::new(&file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let (x, y) = self.extent();
        let mut chart = ChartBuilder::on(&area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(42)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone(), 0.0..y)?;
        let axis = self.x;
        let is_even = matches!(axis, Axis::Linear(_));
        let steps = (x.end - x.start).ceil().clamp(1.0, 8.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1 to 8
        let labels = if is_even { 10 } else { steps as usize + 1 };
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_labels(labels)
            .x_desc(axis.name())
            .y_desc(self.y)
            .x_label_formatter(&|place| axis.label(*place))
            .y_label_formatter(&|value| short(*value))
            .draw()?;
        for (number, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let placed: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (axis.place(x), y)).collect();
            chart
                .draw_series(LineSeries::new(placed.iter().copied(), colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2))
                });
            if placed.len() <= 16 {
                let dots = placed.iter().map(|&at| Circle::new(at, 3, colour.filled()));
                chart.draw_series(dots)?;
            }
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        area.present()?;
        Ok(())
    }

    /// From the first to the last on the horizontal axis, and the highest.
    fn extent(&self) -> (std::ops::Range<f64>, f64) {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let places = || points().map(|point| self.x.place(point.0));
        let first = places().fold(f64::INFINITY, f64::min);
        let last = places().fold(f64::NEG_INFINITY, f64::max);
        let highest = points().map(|point| point.1).fold(0.0, f64::max);
        let is_wide = first.is_finite() && last > first;
        let range = if is_wide { first..last } else { 0.0..1.0 };
        (range, if highest > 0.0 { highest * 1.35 } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_shows_each_line_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let chart = Chart {
            name: "latency".to_owned(),
            title: "Latency".to_owned(),
            x: Axis::Percentiles("percentile"),
            y: "ms",
            lines: vec![("one".to_owned(), vec![(0.5, 1.0), (0.999, 7.0)])],
        };
        chart.draw(folder.path()).unwrap();
        let svg = std::fs::read_to_string(folder.path().join(chart.file())).unwrap();
        assert!(svg.contains("one") && svg.contains("p90"), "{svg}");
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(short(1_500_000.0), "1.5M");
        assert_eq!(short(25_000.0), "25k");
        assert_eq!(Axis::Percentiles("").label(3.0), "p99.9");
    }
}
