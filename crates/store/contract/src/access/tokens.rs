//! Promises about tokens.

use std::sync::Arc;

use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, Scope, TokenRecord, TrailAges};
use uuid::Uuid;

use super::samples::{HOSTILE, at, ends_of_the_calendar, hash, sixteen_at_once, token};

async fn by_hash(store: &dyn AccessStore, number: u8) -> Option<TokenRecord> {
    store.token_by_hash(&hash(number)).await.unwrap()
}

pub async fn a_token_is_read_back_unchanged(store: Arc<dyn AccessStore>) {
    let [first, last] = ends_of_the_calendar();
    let full = TokenRecord {
        scope: Scope::Read,
        created_at: first,
        expires_at: Some(last),
        last_used_at: Some(last),
        ..token(1)
    };
    let mut tokens = vec![full];
    for (number, name) in (2..).zip(HOSTILE) {
        tokens.push(TokenRecord { name: name.to_owned(), ..token(number) });
    }
    for (number, token) in (1..).zip(&tokens) {
        store.create_token(token).await.unwrap();
        assert_eq!(by_hash(&*store, number).await.as_ref(), Some(token));
    }
    assert_eq!(store.tokens().await.unwrap(), tokens);
    assert_eq!(by_hash(&*store, 0).await, None);
}

pub async fn each_scope_is_read_back(store: Arc<dyn AccessStore>) {
    for (number, scope) in (1..).zip([Scope::Monitor, Scope::Read, Scope::Privacy]) {
        store.create_token(&TokenRecord { scope, ..token(number) }).await.unwrap();
        let kept = by_hash(&*store, number).await.unwrap();
        assert_eq!(kept.scope, scope);
    }
}

pub async fn tokens_are_listed_oldest_first(store: Arc<dyn AccessStore>) {
    assert_eq!(store.tokens().await.unwrap(), []);
    for number in [3, 1, 4, 2] {
        store.create_token(&token(number)).await.unwrap();
    }
    let tokens = store.tokens().await.unwrap();
    let names: Vec<_> = tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["token 1", "token 2", "token 3", "token 4"]);
}

pub async fn a_token_is_deleted_once(store: Arc<dyn AccessStore>) {
    let (doomed, other) = (token(1), token(2));
    store.create_token(&doomed).await.unwrap();
    store.create_token(&other).await.unwrap();
    let nobodys = store.delete_token(Uuid::new_v4()).await.unwrap();
    assert_eq!(nobodys, None);

    let id = doomed.id;
    let deleted =
        sixteen_at_once(&store, |store, _| async move { store.delete_token(id).await.unwrap() })
            .await;
    let deleted: Vec<_> = deleted.into_iter().flatten().collect();
    assert_eq!(deleted, [doomed]);
    assert_eq!(by_hash(&*store, 1).await, None);
    store.touch_token(id, at(1)).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [other]);
}

pub async fn the_same_token_kept_again_is_fine(store: Arc<dyn AccessStore>) {
    let token = token(1);
    store.create_token(&token).await.unwrap();
    store.create_token(&token).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [token]);
}

pub async fn a_tokens_hash_and_id_are_its_own(store: Arc<dyn AccessStore>) {
    let kept = token(1);
    store.create_token(&kept).await.unwrap();
    let same_hash = token(1);
    let same_id = TokenRecord { id: kept.id, ..token(2) };
    for token in [same_hash, same_id] {
        let error = store.create_token(&token).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    }
    assert_eq!(store.tokens().await.unwrap(), [kept]);
}

pub async fn the_last_use_of_a_token_stays_the_last(store: Arc<dyn AccessStore>) {
    let (used, other) = (token(1), token(2));
    store.create_token(&used).await.unwrap();
    store.create_token(&other).await.unwrap();
    for (use_at, last) in [(60_000, 60_000), (120_001, 120_001), (60_000, 120_001)] {
        store.touch_token(used.id, at(use_at)).await.unwrap();
        let expected = TokenRecord { last_used_at: Some(at(last)), ..used.clone() };
        assert_eq!(by_hash(&*store, 1).await, Some(expected));
    }
    assert_eq!(by_hash(&*store, 2).await, Some(other));
    store.touch_token(Uuid::new_v4(), at(0)).await.unwrap();
}

pub async fn a_sweep_spares_tokens_that_have_not_ended(store: Arc<dyn AccessStore>) {
    let of = |number, expires_at: Option<i64>| TokenRecord {
        expires_at: expires_at.map(at),
        ..token(number)
    };
    for token in [of(1, Some(1_000)), of(2, Some(1_001)), of(3, None)] {
        store.create_token(&token).await.unwrap();
    }
    store.sweep(at(1_000), TrailAges::default()).await.unwrap();
    assert!(by_hash(&*store, 2).await.is_some());
    assert!(by_hash(&*store, 3).await.is_some());
}
