//! Promises about the records of parked users.

use std::sync::Arc;

use trailkeep_delivery::ParkRecord;
use trailkeep_store::processing::{Parked, ProcessingStore};

use super::samples::{NAME, add, event_id, parked, record, sixteen_at_once};

async fn park(store: &dyn ProcessingStore, parked: &Parked) {
    assert!(store.park(NAME, parked).await.unwrap());
}

async fn records(store: &dyn ProcessingStore) -> Vec<ParkRecord> {
    store.parked(NAME).await.unwrap().into_iter().map(|parked| parked.record).collect()
}

pub async fn parked_users_are_read_back_by_key(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    let far = Parked { user_id: "ä \"\0$a.b".into(), ..parked(255, i64::MAX, i64::MAX as u64, 9) };
    let held = Parked {
        record: ParkRecord { held: Some(event_id(7)), ..record(130, 5, 1, 0) },
        ..parked(130, 5, 1, 0)
    };
    let all = [parked(0, 0, 0, 0), parked(1, 5, 1, 0), parked(128, i64::MIN, 1, 0), held, far];
    for user in all.iter().rev() {
        park(&*store, user).await;
    }
    assert!(store.park("other", &parked(1, 7, 1, 0)).await.unwrap());
    assert_eq!(store.parked(NAME).await.unwrap(), all);
    assert_eq!(store.parked("other").await.unwrap(), [parked(1, 7, 1, 0)]);
}

pub async fn parking_again_lowers_a_record(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    park(&*store, &parked(1, 50, 1, 3)).await;
    park(&*store, &parked(2, 50, 1, 3)).await;
    for (again, expected) in [
        (parked(1, 60, 1, 4), record(1, 50, 1, 4)),
        (parked(1, 40, 1, 5), record(1, 40, 1, 5)),
        // Of a later epoch: it is taken over.
        (parked(1, 45, 3, 0), record(1, 40, 3, 0)),
    ] {
        park(&*store, &again).await;
        assert_eq!(records(&*store).await, [expected, record(2, 50, 1, 3)]);
    }
    // Of an earlier one: nothing changes.
    assert!(!store.park(NAME, &parked(1, 1, 2, 9)).await.unwrap());
    assert_eq!(records(&*store).await, [record(1, 40, 3, 0), record(2, 50, 1, 3)]);
}

pub async fn of_those_who_park_a_user_at_once_the_lowest_number_stays(
    store: Arc<dyn ProcessingStore>,
) {
    add(&*store, NAME).await;
    for user in 0..8 {
        let is_parked = sixteen_at_once(&store, move |store, number| async move {
            store.park(NAME, &parked(user, 100 - i64::from(number), 1, 0)).await.unwrap()
        })
        .await;
        assert!(is_parked.iter().all(|is_parked| *is_parked), "{is_parked:?}");
        assert_eq!(records(&*store).await[usize::from(user)], record(user, 85, 1, 0));
    }
}

pub async fn a_record_is_changed_only_where_the_expected_one_is_there(
    store: Arc<dyn ProcessingStore>,
) {
    add(&*store, NAME).await;
    let (first, moved) = (record(1, 50, 2, 3), record(1, 60, 2, 4));
    park(&*store, &parked(1, 50, 2, 3)).await;
    park(&*store, &parked(2, 50, 2, 3)).await;
    let others =
        [record(1, 51, 2, 3), record(1, 50, 1, 3), record(1, 50, 2, 4), record(3, 50, 2, 3)];
    for other in &others {
        let next = ParkRecord { user: other.user, ..moved };
        assert!(!store.move_record(NAME, other, &next).await.unwrap());
        assert!(!store.unpark(NAME, other).await.unwrap());
    }
    assert_eq!(records(&*store).await, [first, record(2, 50, 2, 3)]);

    assert!(store.move_record(NAME, &first, &moved).await.unwrap());
    assert!(!store.move_record(NAME, &first, &moved).await.unwrap());
    assert!(!store.unpark(NAME, &first).await.unwrap());
    let there = store.parked(NAME).await.unwrap();
    assert_eq!(there, [parked(1, 60, 2, 4), parked(2, 50, 2, 3)]);

    assert!(store.unpark(NAME, &moved).await.unwrap());
    assert!(!store.unpark(NAME, &moved).await.unwrap());
    assert_eq!(records(&*store).await, [record(2, 50, 2, 3)]);
}

pub async fn a_stamp_ends_changes_of_earlier_epochs(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    park(&*store, &parked(1, 50, 1, 7)).await;
    park(&*store, &parked(2, 50, 4, 7)).await;
    park(&*store, &parked(3, 50, 5, 7)).await;
    park(&*store, &parked(4, 50, 6, 7)).await;
    assert!(store.park("other", &parked(1, 50, 1, 7)).await.unwrap());
    store.stamp(NAME, 5).await.unwrap();
    let stamped =
        [record(1, 50, 5, 0), record(2, 50, 5, 0), record(3, 50, 5, 7), record(4, 50, 6, 7)];
    assert_eq!(records(&*store).await, stamped);

    // What the earlier owners had sent comes now.
    let late = record(1, 50, 1, 7);
    assert!(!store.move_record(NAME, &late, &record(1, 60, 1, 8)).await.unwrap());
    assert!(!store.unpark(NAME, &late).await.unwrap());
    assert!(!store.park(NAME, &parked(2, 10, 4, 8)).await.unwrap());
    store.stamp(NAME, 4).await.unwrap();
    assert_eq!(records(&*store).await, stamped);
    assert_eq!(store.parked("other").await.unwrap(), [parked(1, 50, 1, 7)]);
}

pub async fn what_is_held_is_what_the_last_record_says(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let holding = |held: Option<i64>, record| ParkRecord { held: held.map(event_id), ..record };
    let park = async |record: ParkRecord| {
        let is_parked = store.park(NAME, &Parked { record, ..parked(1, 0, 0, 0) }).await.unwrap();
        assert!(is_parked);
        assert_eq!(records(&*store).await, [record]);
    };
    park(holding(Some(7), record(1, 50, 1, 1))).await;
    park(holding(None, record(1, 40, 1, 2))).await;
    park(holding(Some(8), record(1, 30, 1, 3))).await;
    park(holding(Some(9), record(1, 20, 1, 4))).await;

    // A stamp changes nothing of it.
    store.stamp(NAME, 2).await.unwrap();
    let mut there = holding(Some(9), record(1, 20, 2, 0));
    assert_eq!(records(&*store).await, [there]);
    for (change, held) in (1..).zip([Some(10), None, None, Some(7)]) {
        let next = holding(held, record(1, 20 + change, 2, change as u64));
        // What is expected is all of the record.
        for other in [None, Some(1)].map(|held| holding(held, there)) {
            if other != there {
                assert!(!store.move_record(NAME, &other, &next).await.unwrap());
                assert!(!store.unpark(NAME, &other).await.unwrap());
            }
        }
        assert!(store.move_record(NAME, &there, &next).await.unwrap());
        assert_eq!(records(&*store).await, [next]);
        there = next;
    }
    assert!(store.unpark(NAME, &there).await.unwrap());
    assert_eq!(records(&*store).await, []);
}
