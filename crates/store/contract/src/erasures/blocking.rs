//! Ids whose events are left out.

use trailkeep_store::erasures::IdHash;

use super::samples::{Stores, hash};

async fn blocked(stores: &Stores) -> Vec<IdHash> {
    let mut blocked = stores.erasures.blocked().await.unwrap();
    blocked.sort_unstable();
    blocked
}

pub async fn ids_are_blocked_until_that_is_ended(stores: Stores) {
    assert_eq!(blocked(&stores).await, []);
    stores.erasures.block(&[]).await.unwrap();
    stores.erasures.block(&[hash(3), hash(1)]).await.unwrap();
    stores.erasures.block(&[hash(1), hash(2), hash(2)]).await.unwrap();
    assert_eq!(blocked(&stores).await, [hash(1), hash(2), hash(3)]);
    assert!(stores.erasures.unblock(hash(2)).await.unwrap());
    assert!(!stores.erasures.unblock(hash(2)).await.unwrap());
    assert_eq!(blocked(&stores).await, [hash(1), hash(3)]);
    stores.erasures.block(&[hash(2)]).await.unwrap();
    assert_eq!(blocked(&stores).await, [hash(1), hash(2), hash(3)]);
}

pub async fn many_ids_are_blocked(stores: Stores) {
    let many: Vec<_> = (0..3_000_u32)
        .map(|number| {
            let mut hash = [0xff; 32];
            hash[28..].copy_from_slice(&number.to_be_bytes());
            IdHash(hash)
        })
        .collect();
    for some in many.chunks(1_000) {
        stores.erasures.block(some).await.unwrap();
    }
    assert_eq!(blocked(&stores).await, many);
}
