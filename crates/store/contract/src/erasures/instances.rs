//! Data folders.

use trailkeep_event::Timestamp;
use trailkeep_store::erasures::Instance;
use uuid::Uuid;

use super::samples::{Stores, sixteen_at_once};
use crate::samples::at;

pub async fn an_instance_is_seen_since_the_first_time_and_until_the_last(stores: Stores) {
    let (first, second) = (Uuid::from_u128(2), Uuid::from_u128(1));
    assert_eq!(stores.erasures.instances().await.unwrap(), []);
    let seen = [(first, 5, None), (first, 9, Some(5)), (second, 7, None), (first, 1, Some(9))];
    for (instance, millis, before) in seen {
        let answered = stores.erasures.see_instance(instance, at(millis - 1), at(millis)).await;
        assert_eq!(answered.unwrap(), before.map(at));
    }
    let seen = [
        Instance { id: second, since: at(6), seen: at(7) },
        Instance { id: first, since: at(4), seen: at(9) },
    ];
    assert_eq!(stores.erasures.instances().await.unwrap(), seen);
}

pub async fn an_instance_that_is_seen_at_once_is_one(stores: Stores) {
    let id = Uuid::now_v7();
    sixteen_at_once(&stores, move |store, number| async move {
        let now = at(i64::from(number));
        store.see_instance(id, now, now).await.unwrap();
    })
    .await;
    let seen = stores.erasures.instances().await.unwrap();
    let [Instance { id: one, since, seen }] = seen[..] else { panic!("{seen:?}") };
    assert_eq!((one, seen), (id, at(15)));
    assert!((at(0)..=at(15)).contains(&since));
}

pub async fn a_lost_instance_was_never_seen_until_it_is_seen_again(stores: Stores) {
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let never = Timestamp::from_millis_clamped(0);
    for instance in [first, second] {
        stores.erasures.see_instance(instance, at(1), at(1)).await.unwrap();
    }
    for _ in 0..2 {
        assert!(stores.erasures.lose_instance(first).await.unwrap());
        let there = stores.erasures.instances().await.unwrap();
        let lost = Instance { id: first, since: at(1), seen: never };
        assert_eq!(there, [lost, Instance { id: second, since: at(1), seen: at(1) }]);
    }
    assert!(!stores.erasures.lose_instance(Uuid::from_u128(3)).await.unwrap());
    let before = stores.erasures.see_instance(first, at(3), at(3)).await.unwrap();
    assert_eq!(before, Some(never), "that it was lost is answered once");
    let there = stores.erasures.instances().await.unwrap();
    assert!(there.contains(&Instance { id: first, since: at(1), seen: at(3) }), "{there:?}");
}
