//! Promises about write keys.

use std::sync::Arc;

use trailkeep_store::write_keys::{WriteKeyRecord, WriteKeyStore};
use uuid::Uuid;

use super::samples::{HOSTILE, at, ends_of_the_calendar, hash};

/// A key for good, made so many milliseconds after the start of the samples.
fn key(number: u8) -> WriteKeyRecord {
    WriteKeyRecord {
        id: Uuid::new_v4(),
        name: format!("key {number}"),
        hash: hash(number),
        hint: "x9Qz".to_owned(),
        origins: Vec::new(),
        created_by: None,
        created_at: at(i64::from(number)),
        expires_at: None,
        last_used_at: None,
    }
}

async fn keep(store: &dyn WriteKeyStore, keys: &[WriteKeyRecord]) {
    for key in keys {
        assert!(store.create_write_key(key).await.unwrap(), "{}", key.name);
    }
}

pub async fn a_write_key_is_read_back_unchanged(store: Arc<dyn WriteKeyStore>) {
    assert_eq!(store.write_keys().await.unwrap(), []);
    let [first, last] = ends_of_the_calendar();
    let mut keys = vec![WriteKeyRecord {
        origins: HOSTILE.map(str::to_owned).to_vec(),
        created_by: Some(Uuid::new_v4()),
        created_at: first,
        expires_at: Some(last),
        last_used_at: Some(last),
        ..key(1)
    }];
    for (number, name) in (2..).zip(HOSTILE) {
        keys.push(WriteKeyRecord { name: name.to_owned(), ..key(number) });
    }
    keep(&*store, &keys).await;
    assert_eq!(store.write_keys().await.unwrap(), keys);
}

pub async fn write_keys_are_listed_oldest_first(store: Arc<dyn WriteKeyStore>) {
    keep(&*store, &[3, 1, 4, 2].map(key)).await;
    let keys = store.write_keys().await.unwrap();
    let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["key 1", "key 2", "key 3", "key 4"]);
}

pub async fn a_name_has_one_write_key_whoever_comes_at_the_same_moment(
    store: Arc<dyn WriteKeyStore>,
) {
    let calls: Vec<_> = (0..16)
        .map(|number| {
            let store = store.clone();
            let key = WriteKeyRecord { name: "shop".to_owned(), ..key(number) };
            tokio::spawn(async move { (store.create_write_key(&key).await.unwrap(), key) })
        })
        .collect();
    let mut made = Vec::new();
    for call in calls {
        let (is_made, key) = call.await.unwrap();
        made.extend(is_made.then_some(key));
    }
    assert_eq!(made.len(), 1);
    assert_eq!(store.write_keys().await.unwrap(), made);
}

pub async fn the_same_write_key_kept_again_is_fine(store: Arc<dyn WriteKeyStore>) {
    let key = key(1);
    for _ in 0..2 {
        keep(&*store, std::slice::from_ref(&key)).await;
    }
    assert_eq!(store.write_keys().await.unwrap(), [key]);
}

pub async fn a_write_key_is_deleted_once_and_its_name_is_free(store: Arc<dyn WriteKeyStore>) {
    let (doomed, other) = (key(1), key(2));
    keep(&*store, &[doomed.clone(), other.clone()]).await;
    assert_eq!(store.delete_write_key(Uuid::new_v4()).await.unwrap(), None);
    assert_eq!(store.delete_write_key(doomed.id).await.unwrap(), Some(doomed.clone()));
    assert_eq!(store.delete_write_key(doomed.id).await.unwrap(), None);
    store.touch_write_keys(&[doomed.id], at(1)).await.unwrap();
    assert_eq!(store.write_keys().await.unwrap(), std::slice::from_ref(&other));
    let again = WriteKeyRecord { name: doomed.name, ..key(3) };
    keep(&*store, std::slice::from_ref(&again)).await;
    assert_eq!(store.write_keys().await.unwrap(), [other, again]);
}

pub async fn the_version_is_another_after_each_write_key_that_comes_or_goes(
    store: Arc<dyn WriteKeyStore>,
) {
    let version = async || store.write_keys_version().await.unwrap();
    assert_eq!(version().await, None);
    let key = key(1);
    let mut seen = vec![None];
    keep(&*store, std::slice::from_ref(&key)).await;
    seen.push(version().await);
    assert_eq!(version().await, seen[1], "nothing has changed");
    store.touch_write_keys(&[key.id], at(1)).await.unwrap();
    assert_eq!(version().await, seen[1], "a use is none that others wait for");
    // The second time in the place of a call that was cut off.
    for _ in 0..2 {
        store.delete_write_key(key.id).await.unwrap();
        let new = version().await;
        assert!(!seen.contains(&new), "{new:?} of {seen:?}");
        seen.push(new);
    }
}

pub async fn the_last_use_of_a_write_key_stays_the_last(store: Arc<dyn WriteKeyStore>) {
    // More than are noted at once.
    let mut keys: Vec<_> = (0..1_200)
        .map(|number| WriteKeyRecord { name: number.to_string(), created_at: at(number), ..key(0) })
        .collect();
    keep(&*store, &keys).await;
    let ids: Vec<_> = keys.iter().skip(1).map(|key| key.id).collect();
    for (use_at, last) in [(60_000, 60_000), (120_001, 120_001), (60_000, 120_001)] {
        store.touch_write_keys(&ids, at(use_at)).await.unwrap();
        keys.iter_mut().skip(1).for_each(|key| key.last_used_at = Some(at(last)));
        assert_eq!(store.write_keys().await.unwrap(), keys);
    }
    store.touch_write_keys(&[], at(0)).await.unwrap();
}
