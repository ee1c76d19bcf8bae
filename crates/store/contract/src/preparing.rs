//! Promises of preparing a store.

use std::sync::Arc;

use trailkeep_store::Store;

use crate::samples::{all_of, event, names, store_all};

pub async fn preparing_again_changes_nothing(store: Arc<dyn Store>) {
    store_all(&*store, &[event("ann", "e1", 0, 1)]).await;
    store.prepare().await.unwrap();
    store.prepare().await.unwrap();
    assert_eq!(names(&*store, &all_of("ann")).await, ["e1"]);
}

pub async fn preparing_at_the_same_time_is_fine(store: Arc<dyn Store>) {
    let preparing: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.prepare().await })
        })
        .collect();
    for prepared in preparing {
        prepared.await.unwrap().unwrap();
    }
    store_all(&*store, &[event("ann", "e1", 0, 1)]).await;
}
