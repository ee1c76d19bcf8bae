//! What is drawn by chance: how long an event takes, and whether it fails.

use std::fmt;
use std::time::Duration;

use rand::Rng as _;

/// How long an event takes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    from: u64,
    to: u64,
}

impl Delay {
    /// Reads `5000` or `5000..6000`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let number = |text: &str| {
            text.trim().parse().map_err(|_| "must be milliseconds, such as 250 or 5000..6000")
        };
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let delay = Self { from: number(from)?, to: number(to)? };
        if delay.from > delay.to {
            return Err("must not end before it begins");
        }
        Ok(delay)
    }

    /// One of them.
    pub fn draw(self) -> Duration {
        Duration::from_millis(rand::rng().random_range(self.from..=self.to))
    }
}

/// `250 ms`, `5000 to 6000 ms`.
impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { from, to } if from == to => write!(f, "{from} ms"),
            Self { from, to } => write!(f, "{from} to {to} ms"),
        }
    }
}

/// A part of all, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// Reads `1%` or `0.5%`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        match percent {
            Some(percent @ 0.0..=100.0) => Ok(Self(percent / 100.0)),
            _ => Err("must be a share such as 1%, from 0% to 100%"),
        }
    }

    /// True in this share of all calls.
    pub fn draw(self) -> bool {
        rand::rng().random_bool(self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_delay_is_a_number_or_a_range() {
        let fixed = Delay::parse("250").unwrap();
        assert_eq!(fixed, Delay { from: 250, to: 250 });
        assert_eq!(
            (fixed.draw(), fixed.to_string()),
            (Duration::from_millis(250), "250 ms".into())
        );
        let range = Delay::parse("5000..6000").unwrap();
        assert_eq!(range.to_string(), "5000 to 6000 ms");
        for _ in 0..100 {
            assert!((5_000..=6_000).contains(&range.draw().as_millis()));
        }
        for text in ["", "..", "5..", "-1", "1.5", "5s", "6..5", "5..6..7"] {
            assert!(Delay::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_in_percent() {
        assert_eq!(Share::parse("0.5%"), Ok(Share(0.005)));
        assert!(Share::parse("100%").unwrap().draw());
        assert!(!Share::parse("0%").unwrap().draw());
        for text in ["", "%", "1", "-1%", "101%", "NaN%", "1%%"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
    }
}
