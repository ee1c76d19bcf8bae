//! Where a stream goes on that broke: the ids of its events. Pure.

use std::fmt;

use trailkeep_event::Timestamp;
use uuid::Uuid;

/// A position in the ring of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumeId {
    /// The process whose ring it is.
    pub process: u64,
    /// The position behind what was shown.
    pub position: u64,
    /// When it was given.
    pub at: Timestamp,
}

/// The number of a process that has begun.
pub fn new_process() -> u64 {
    // The half of it that is drawn by lot.
    Uuid::new_v4().as_u64_pair().1
}

impl fmt::Display for ResumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}-{:x}", self.process, self.position, self.at.as_millis())
    }
}

impl ResumeId {
    /// Reads one that was given; `None` for what never was.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = || {
            let part = parts.next()?;
            // A sign would be taken, too.
            let is_plain = part.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_plain { u64::from_str_radix(part, 16).ok() } else { None }
        };
        let (process, position) = (part()?, part()?);
        let at = Timestamp::from_millis(i64::try_from(part()?).ok()?)?;
        parts.next().is_none().then_some(Self { process, position, at })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            process: u64, position: u64, millis in 0..4_000_000_000_000_i64,
        ) {
            let at = Timestamp::from_millis(millis).unwrap();
            let id = ResumeId { process, position, at };
            prop_assert_eq!(ResumeId::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn anything_else_is_none_and_no_fault(text in ".{0,80}") {
            if let Some(id) = ResumeId::parse(&text) {
                prop_assert_eq!(ResumeId::parse(&id.to_string()), Some(id));
            }
        }
    }

    #[test]
    fn what_was_never_given_is_none() {
        for text in
            ["", "-", "1-2", "1-2-3-4", "+1-2-3", "1-2-ffffffffffffffff", "g-1-1", "1--1", "1 -1-1"]
        {
            assert_eq!(ResumeId::parse(text), None, "{text}");
        }
    }
}
