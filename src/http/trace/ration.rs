//! How many lines the log has of answers that anybody can cause.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Lines of one status in a minute.
const LINES: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// A few lines a minute for each status: whoever sends nonsense over and over
/// must not fill the disk, nor hide what else the log says.
#[derive(Debug, Default)]
pub struct Ration(Mutex<HashMap<u16, Minute>>);

#[derive(Debug)]
struct Minute {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl Ration {
    /// Whether an answer of this status has a line; if so, how many had none
    /// since the last one that had.
    pub fn take(&self, status: u16, now: Instant) -> Option<u64> {
        let mut minutes = self.0.lock();
        let minute = minutes.entry(status).or_insert(Minute { began: now, lines: 0, left_out: 0 });
        if now.saturating_duration_since(minute.began) >= MINUTE {
            minute.began = now;
            minute.lines = 0;
        }
        if minute.lines == LINES {
            minute.left_out += 1;
            return None;
        }
        minute.lines += 1;
        Some(std::mem::take(&mut minute.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_so_many_lines_a_minute_and_then_says_how_many_it_had_not() {
        let ration = Ration::default();
        let start = Instant::now();
        for _ in 0..LINES {
            assert_eq!(ration.take(401, start), Some(0));
        }
        let end = start + MINUTE;
        for now in [start, start, end - Duration::from_millis(1)] {
            assert_eq!(ration.take(401, now), None);
            assert!(ration.take(404, now).is_some(), "another status");
        }
        assert_eq!(ration.take(401, end), Some(3));
        assert_eq!(ration.take(401, end), Some(0));
    }
}
