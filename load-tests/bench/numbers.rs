//! Several measurements of one thing.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Measurements of the same, one of each round.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    /// The first; not a number where there is none.
    pub fn first(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle; not a number where there is none.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            even if even.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        }
    }

    /// The highest; 0 where there is none.
    pub fn highest(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// All of them, and the one in the middle.
    pub fn to_json(&self) -> Value {
        json!({ "median": self.median(), "samples": self.0 })
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

/// Percentiles of latencies, in milliseconds.
#[allow(clippy::cast_precision_loss)] // below a minute in microseconds
pub fn milliseconds(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}

/// The usual percentiles, in milliseconds.
#[allow(clippy::cast_precision_loss)]
pub fn percentiles(latency: &Histogram<u64>) -> Value {
    json!({
        "count": latency.len(),
        "p50": milliseconds(latency, 0.5),
        "p90": milliseconds(latency, 0.9),
        "p99": milliseconds(latency, 0.99),
        "p999": milliseconds(latency, 0.999),
        "max": latency.max() as f64 / 1000.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let samples = |samples: &[f64]| samples.iter().copied().collect::<Samples>();
        assert!(samples(&[]).median().is_nan());
        assert_eq!(samples(&[3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(samples(&[4.0, 1.0, 2.0, 3.0]).median(), 2.5);
    }
}
