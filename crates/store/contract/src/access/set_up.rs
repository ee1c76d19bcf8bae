//! Promises about set-up codes.

use std::sync::Arc;

use trailkeep_store::access::{AccessStore, MAX_SET_UP_CODES, SecretHash};

use super::samples::{at, hash, sixteen_at_once};

async fn codes(store: &dyn AccessStore) -> Vec<SecretHash> {
    let mut codes = store.set_up_codes().await.unwrap();
    codes.sort_unstable();
    codes
}

pub async fn each_instance_has_a_code_and_all_go_at_once(store: Arc<dyn AccessStore>) {
    assert_eq!(codes(&*store).await, Vec::<SecretHash>::new());
    store.clear_set_up_codes().await.unwrap();
    let added = sixteen_at_once(&store, |store, number| {
        // Two and two are the same one.
        let hash = hash(u8::try_from(number / 2).unwrap());
        async move { store.add_set_up_code(&hash, at(0)).await }
    })
    .await;
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    assert_eq!(codes(&*store).await, (0..8).map(hash).collect::<Vec<_>>());
    store.clear_set_up_codes().await.unwrap();
    assert_eq!(codes(&*store).await, Vec::<SecretHash>::new());
}

pub async fn of_more_codes_than_are_kept_the_last_stay(store: Arc<dyn AccessStore>) {
    let kept = u8::try_from(MAX_SET_UP_CODES).unwrap();
    for number in 0..kept + 3 {
        store.add_set_up_code(&hash(number), at(i64::from(number))).await.unwrap();
    }
    assert_eq!(codes(&*store).await, (3..kept + 3).map(hash).collect::<Vec<_>>());
}
