//! A window in hours or days, those without events included: a chart wants them all.
//!
//! What is kept of a summary holds those with events alone; the others come in when it
//! is answered.

use std::collections::BTreeMap;

use trailkeep_event::Timestamp;
use trailkeep_store::summaries::Bucket;

/// What a bucket without events has.
static NOTHING: BTreeMap<String, u64> = BTreeMap::new();

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Days that a window may have at the most to be told in these: some 750 hours, or a
/// year.
pub fn max_days(bucket: Bucket) -> u16 {
    match bucket {
        Bucket::Hour => 31,
        Bucket::Day => 366,
    }
}

/// Whether a time, both ends included, is short enough to be told in these.
pub(super) fn is_short_enough(bucket: Bucket, from: Timestamp, to: Timestamp) -> bool {
    to.as_millis().saturating_sub(from.as_millis()) <= i64::from(max_days(bucket)) * DAY_MS
}

/// Every bucket of a time, both ends included, by its first moment, with what is in it.
/// The first may begin before the time, and the last end after it.
pub fn all_buckets(
    bucket: Bucket,
    from: Timestamp,
    to: Timestamp,
    series: &BTreeMap<Timestamp, BTreeMap<String, u64>>,
) -> impl Iterator<Item = (Timestamp, &BTreeMap<String, u64>)> {
    let first = bucket.start_of(from).as_millis();
    (0_i64..)
        .map(move |number| first.saturating_add(number.saturating_mul(bucket.millis())))
        .take_while(move |start| *start <= to.as_millis())
        .filter_map(Timestamp::from_millis)
        .map(|start| (start, series.get(&start).unwrap_or(&NOTHING)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn bucket() -> impl Strategy<Value = Bucket> {
        prop_oneof![Just(Bucket::Hour), Just(Bucket::Day)]
    }

    proptest! {
        #[test]
        fn every_moment_of_a_window_is_in_one_bucket_of_the_series(
            bucket in bucket(),
            from in -4_000_000_000_i64..4_000_000_000_000,
            length in 0..31 * DAY_MS,
            part in 0.0_f64..=1.0,
        ) {
            let at = Timestamp::from_millis_clamped;
            let (from, to) = (at(from), at(from + length));
            let moment = from.as_millis() + (length as f64 * part) as i64;
            let totals = BTreeMap::from([("page_view".to_owned(), 1)]);
            let series = BTreeMap::from([(bucket.start_of(at(moment)), totals)]);
            let all: Vec<_> = all_buckets(bucket, from, to, &series).collect();
            let filled: Vec<_> = all.iter().filter(|(_, totals)| !totals.is_empty()).collect();
            prop_assert_eq!(filled.len(), 1);
            let start = filled[0].0.as_millis();
            prop_assert!((start..start + bucket.millis()).contains(&moment));
            for pair in all.windows(2) {
                prop_assert_eq!(pair[1].0.as_millis() - pair[0].0.as_millis(), bucket.millis());
            }
            prop_assert!(all.len() as i64 <= i64::from(max_days(bucket)) * DAY_MS / bucket.millis() + 1);
        }
    }

    #[test]
    fn a_window_at_the_end_of_the_calendar_ends() {
        let end = Timestamp::from_millis_clamped(i64::MAX);
        let series = BTreeMap::new();
        for bucket in [Bucket::Hour, Bucket::Day] {
            assert_eq!(all_buckets(bucket, end, end, &series).count(), 1);
        }
    }

    #[test]
    fn hours_go_up_to_31_days_and_days_up_to_a_year() {
        let noon = Timestamp::parse_rfc3339("2025-12-15T12:00:00Z").unwrap();
        for (bucket, days) in [(Bucket::Hour, 31), (Bucket::Day, 366)] {
            let last = noon.plus_millis(days * DAY_MS);
            assert!(is_short_enough(bucket, noon, last));
            assert!(!is_short_enough(bucket, noon, last.plus_millis(1)));
        }
    }
}
