//! What holds between instances on one database.

use std::sync::Arc;

use trailkeep_store::Store as _;
use trailkeep_store::access::{AccessStore as _, Admission, Created};
use trailkeep_store::mongo::MongoStore;
use trailkeep_store_contract::access::samples::{account, at, count, hash, session};
use uuid::Uuid;

use crate::homes::{MongoPlace, SETTINGS};

/// As many calls as there are stores, at the same moment, before any of the
/// stores has been prepared.
async fn create_on_each(
    stores: &[Arc<MongoStore>],
    email: impl Fn(usize) -> String,
    admission: Admission,
) -> Vec<Created> {
    let calls: Vec<_> = stores
        .iter()
        .enumerate()
        .map(|(number, store)| {
            let (store, account) = (store.clone(), account(&email(number)));
            tokio::spawn(async move { store.create_account(&account, admission).await.unwrap() })
        })
        .collect();
    let mut made = Vec::new();
    for call in calls {
        made.push(call.await.unwrap());
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uniqueness_holds_between_instances_that_nobody_has_prepared() {
    for round in 0..3 {
        MongoPlace::new()
            .await
            .run(move |place| async move {
                let mut stores = Vec::new();
                for _ in 0..6 {
                    stores.push(place.mongo_store(&SETTINGS).await);
                }
                let by_number = |number| format!("{number}@example.com");
                let made = create_on_each(&stores, by_number, Admission::First).await;
                assert_eq!(count(&made, &Created::Created), 1, "round {round}: {made:?}");
                assert_eq!(count(&made, &Created::NotFirst), 5, "round {round}: {made:?}");

                let the_same = |_| "ann@example.com".to_owned();
                let made = create_on_each(&stores, the_same, Admission::Any).await;
                assert_eq!(count(&made, &Created::Created), 1, "round {round}: {made:?}");
                assert_eq!(count(&made, &Created::EmailTaken), 5, "round {round}: {made:?}");
                for store in stores {
                    assert_eq!(store.accounts(None, 10).await.unwrap().len(), 2);
                    store.close().await;
                }
            })
            .await;
    }
}

#[tokio::test]
async fn what_ends_on_one_instance_has_ended_on_another() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let one = place.mongo_store(&SETTINGS).await;
            let other = place.mongo_store(&SETTINGS).await;
            let ann = Uuid::new_v4();
            for number in [1, 2] {
                one.create_session(&session(number, Some(ann))).await.unwrap();
                let found = other.session(&hash(number), at(0)).await.unwrap();
                assert_eq!(found, Some(session(number, Some(ann))));
            }
            one.delete_session(&hash(1)).await.unwrap();
            assert_eq!(other.session(&hash(1), at(0)).await.unwrap(), None);
            one.delete_sessions_of(ann, None).await.unwrap();
            assert_eq!(other.session(&hash(2), at(0)).await.unwrap(), None);
            one.close().await;
            other.close().await;
        })
        .await;
}
