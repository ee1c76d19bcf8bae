//! Says in the log that requests with events are refused in numbers.
//!
//! While more comes than is taken there may be tens of thousands of refusals a
//! second, and a line for each would cost more than the refusal itself. So these
//! are counted, and the counters are looked at: the log says within a second
//! that refusing has begun, every ten seconds how many were refused, and when
//! nobody was for as long: which may be since nobody asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::statistics::{RefusedBecause, Statistics};

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How often a flood that goes on is told of; after as long without a refusal it
/// has ended.
const TELL: Duration = Duration::from_secs(10);

/// Looks at the counters for as long as the process lives.
pub async fn watch(statistics: Arc<Statistics>) {
    let floods = RefusedBecause::ALL.into_iter();
    let mut floods: Vec<(RefusedBecause, Flood)> = floods
        .filter(|reason| reason.comes_in_floods())
        .map(|reason| (reason, Flood::default()))
        .collect();
    loop {
        tokio::time::sleep(LOOK).await;
        for (reason, flood) in &mut floods {
            let refused = statistics.refused_count(*reason);
            if let Some(news) = flood.look(refused, Instant::now()) {
                tell(*reason, news);
            }
        }
    }
}

fn tell(reason: RefusedBecause, news: News) {
    let reason = reason.name();
    match news {
        News::Begun { refused } => warn!(reason, refused, "requests with events are refused"),
        News::GoesOn { refused, seconds } => {
            warn!(
                reason,
                refused, seconds, "requests with events are still refused"
            );
        }
        News::Ended { refused } => {
            info!(
                reason,
                refused, "no request with events was refused for ten seconds"
            );
        }
    }
}

/// What is to be said of the refusals for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Begun {
        refused: u64,
    },
    /// So many since it was last told.
    GoesOn {
        refused: u64,
        seconds: u64,
    },
    /// So many in all, from its begin on.
    Ended {
        refused: u64,
    },
}

/// The refusals for one reason.
#[derive(Debug, Default)]
struct Flood {
    /// How many had been counted when it was last told of them.
    told: u64,
    /// `None` while there is no flood.
    course: Option<Course>,
}

#[derive(Debug)]
struct Course {
    /// How many had been counted before it.
    before: u64,
    told_at: Instant,
}

impl Flood {
    fn look(&mut self, counted: u64, now: Instant) -> Option<News> {
        let refused = counted - self.told;
        let Some(course) = &mut self.course else {
            if refused == 0 {
                return None;
            }
            self.course = Some(Course {
                before: self.told,
                told_at: now,
            });
            self.told = counted;
            return Some(News::Begun { refused });
        };
        let since = now - course.told_at;
        if since < TELL {
            return None;
        }
        if refused == 0 {
            let refused = counted - course.before;
            self.course = None;
            return Some(News::Ended { refused });
        }
        course.told_at = now;
        self.told = counted;
        Some(News::GoesOn {
            refused,
            seconds: since.as_secs(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::telemetry::captured::Captured;

    #[tokio::test(start_paused = true)]
    async fn what_may_come_in_floods_is_told_by_number() {
        let statistics = Arc::new(Statistics::new().unwrap());
        for reason in RefusedBecause::ALL {
            statistics.refused(reason);
        }
        let log = Captured::begin();
        let _ = tokio::time::timeout(2 * LOOK, watch(statistics)).await;
        let is_told = |reason: &&RefusedBecause| log.lines_with(reason.name()) == 1;
        let told: Vec<_> = RefusedBecause::ALL.iter().filter(is_told).collect();
        assert_eq!(
            told,
            [
                &RefusedBecause::BufferFull,
                &RefusedBecause::Unauthorized,
                &RefusedBecause::TooOften,
                &RefusedBecause::NotWritten,
                &RefusedBecause::OverShare,
            ]
        );
    }

    #[test]
    fn a_flood_is_told_of_when_it_begins_at_intervals_and_when_it_has_ended() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut flood = Flood::default();
        assert_eq!(flood.look(0, at(0)), None);
        assert_eq!(flood.look(7, at(1)), Some(News::Begun { refused: 7 }));
        for second in 2..11 {
            assert_eq!(flood.look(7 + 1000 * second, at(second)), None);
        }
        let refused = 12_000;
        let seconds = TELL.as_secs();
        assert_eq!(
            flood.look(12_007, at(11)),
            Some(News::GoesOn { refused, seconds })
        );
        assert_eq!(flood.look(12_007, at(20)), None);
        assert_eq!(
            flood.look(12_007, at(21)),
            Some(News::Ended { refused: 12_007 })
        );
        assert_eq!(flood.look(12_007, at(40)), None);
        assert_eq!(
            flood.look(12_008, at(41)),
            Some(News::Begun { refused: 1 }),
            "the next one counts for itself"
        );
    }
}
