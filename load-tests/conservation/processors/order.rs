//! Which event has to be done before another one is sent.

use std::collections::HashMap;

use crate::oracle::{Answer, Batch, Disk, Sent};

/// Each accepted event behind the newest one of its user that has to be done before it.
/// That was accepted before by every instance which accepted this one: the other one may
/// feed this where it does not know of what came before. Of what was not answered nothing
/// is known, so it has no place.
pub fn successions(batches: &[Batch]) -> Vec<(&Sent, &Sent)> {
    let mut users: HashMap<&str, Vec<(&Sent, &[Disk])>> = HashMap::new();
    for batch in batches.iter().filter(|batch| batch.answer == Answer::Accepted) {
        for event in &batch.events {
            users.entry(&event.user).or_default().push((event, &batch.kept_by));
        }
    }
    let mut pairs = Vec::new();
    for events in users.values_mut() {
        events.sort_unstable_by_key(|(event, _)| event.number);
        for (place, (after, disks)) in events.iter().enumerate() {
            let have_both = |kept_by: &[Disk]| disks.iter().all(|disk| kept_by.contains(disk));
            let before = events[..place].iter().rfind(|(_, kept_by)| have_both(kept_by));
            pairs.extend(before.map(|(before, _)| (*before, *after)));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Hash;
    use crate::oracle::Span;

    /// The number of the event before each one, where they were kept by these disks.
    fn before(kept_by: &[&[Disk]]) -> Vec<(i64, i64)> {
        let batch = |(number, kept_by): (i64, &&[Disk])| {
            let event = Sent {
                user: "u".to_owned(),
                event_id: format!("e{number}"),
                number,
                occurred_at: 0,
                device: None,
                hash: Hash::default(),
            };
            let answer = if kept_by.is_empty() { Answer::None } else { Answer::Accepted };
            Batch {
                events: vec![event],
                answer,
                kept_by: kept_by.to_vec(),
                while_sent: Span::now(),
            }
        };
        let batches: Vec<Batch> = (1..).zip(kept_by).map(batch).collect();
        let pairs = successions(&batches);
        pairs.iter().map(|(before, after)| (before.number, after.number)).collect()
    }

    #[test]
    fn of_one_instance_each_comes_behind_the_one_before_it() {
        assert_eq!(before(&[&[0], &[0], &[0]]), [(1, 2), (2, 3)]);
        assert_eq!(before(&[&[0], &[], &[0]]), [(1, 3)]);
    }

    #[test]
    fn of_two_instances_each_has_an_order_of_its_own() {
        assert_eq!(before(&[&[0], &[1], &[0], &[1]]), [(1, 3), (2, 4)]);
    }

    #[test]
    fn what_both_accepted_comes_behind_what_both_had_before() {
        assert_eq!(before(&[&[0], &[0, 1], &[0], &[1, 0]]), [(2, 3), (2, 4)]);
    }
}
