//! Promises about sessions.

use std::sync::Arc;

use trailkeep_store::access::{AccessStore, SessionRecord, TrailAges};
use uuid::Uuid;

use super::samples::{at, count, ends_of_the_calendar, hash, session, sixteen_at_once};

async fn keep(store: &dyn AccessStore, session: &SessionRecord) {
    assert!(store.create_session(session).await.unwrap());
}

/// The session with this number, at the samples' start.
async fn found(store: &dyn AccessStore, number: u8) -> Option<SessionRecord> {
    store.session(&hash(number), at(0)).await.unwrap()
}

pub async fn a_session_is_read_back_unchanged(store: Arc<dyn AccessStore>) {
    let of_nobody = session(1, None);
    let empty = SessionRecord { data: Vec::new(), ..session(2, Some(Uuid::new_v4())) };
    let large = SessionRecord {
        data: (0..=255).cycle().take(100_000).collect(),
        expires_at: ends_of_the_calendar()[1],
        ..session(3, Some(Uuid::nil()))
    };
    for (number, session) in (1..).zip([of_nobody, empty, large]) {
        keep(&*store, &session).await;
        assert_eq!(found(&*store, number).await, Some(session));
    }
    assert_eq!(found(&*store, 4).await, None);
}

pub async fn a_session_id_is_taken_once(store: Arc<dyn AccessStore>) {
    let ids: Vec<_> = (0..16).map(|_| Uuid::new_v4()).collect();
    let kept = sixteen_at_once(&store, |store, number| {
        let session = session(1, Some(ids[number]));
        async move { store.create_session(&session).await.unwrap() }
    })
    .await;
    assert_eq!(count(&kept, &true), 1, "{kept:?}");
    let winner = kept.iter().position(|kept| *kept).unwrap();
    let kept = found(&*store, 1).await.unwrap();
    assert_eq!(kept.account_id, Some(ids[winner]));
}

pub async fn a_session_is_saved_with_all_it_holds(store: Arc<dyn AccessStore>) {
    let other = session(2, Some(Uuid::new_v4()));
    keep(&*store, &session(1, None)).await;
    keep(&*store, &other).await;
    let signed_in = SessionRecord {
        id_hash: hash(1),
        account_id: Some(Uuid::new_v4()),
        data: b"{\"$set\":1}".to_vec(),
        expires_at: at(7_001),
    };
    let of_nobody = SessionRecord { account_id: None, expires_at: at(1), ..signed_in.clone() };
    for saved in [signed_in, of_nobody] {
        store.save_session(&saved).await.unwrap();
        assert_eq!(found(&*store, 1).await, Some(saved));
    }
    assert_eq!(found(&*store, 2).await, Some(other));
}

pub async fn saving_does_not_bring_a_session_back(store: Arc<dyn AccessStore>) {
    let account_id = Some(Uuid::new_v4());
    store.save_session(&session(1, account_id)).await.unwrap();
    assert_eq!(found(&*store, 1).await, None);

    keep(&*store, &session(1, account_id)).await;
    store.delete_session(&hash(1)).await.unwrap();
    store.save_session(&session(1, account_id)).await.unwrap();
    assert_eq!(found(&*store, 1).await, None);
    assert!(store.create_session(&session(1, None)).await.unwrap());
}

pub async fn no_save_outlives_a_deletion(store: Arc<dyn AccessStore>) {
    let account_id = Uuid::new_v4();
    keep(&*store, &session(1, Some(account_id))).await;
    keep(&*store, &session(2, Some(account_id))).await;
    sixteen_at_once(&store, |store, number| async move {
        match number {
            6 => store.delete_session(&hash(1)).await.unwrap(),
            8 => store.delete_sessions_of(account_id, None).await.unwrap(),
            _ => {
                for number in [1, 2] {
                    let session = session(number, Some(account_id));
                    store.save_session(&session).await.unwrap();
                }
            }
        }
    })
    .await;
    assert_eq!(found(&*store, 1).await, None);
    assert_eq!(found(&*store, 2).await, None);
}

pub async fn a_session_ends_at_its_time(store: Arc<dyn AccessStore>) {
    keep(&*store, &session(1, None)).await;
    let session_at = async |millis| store.session(&hash(1), at(millis)).await.unwrap();
    assert!(session_at(999).await.is_some());
    assert!(session_at(1_000).await.is_none());
    assert!(session_at(1_001).await.is_none());

    let prolonged = SessionRecord { expires_at: at(2_000), ..session(1, None) };
    store.save_session(&prolonged).await.unwrap();
    assert_eq!(session_at(1_999).await, Some(prolonged));
    assert!(session_at(2_000).await.is_none());
}

pub async fn a_deleted_session_is_gone_and_no_other(store: Arc<dyn AccessStore>) {
    let account_id = Some(Uuid::new_v4());
    for number in 1..=3 {
        keep(&*store, &session(number, account_id)).await;
    }
    store.delete_session(&hash(2)).await.unwrap();
    store.delete_session(&hash(2)).await.unwrap();
    store.delete_session(&hash(9)).await.unwrap();
    assert!(found(&*store, 1).await.is_some());
    assert!(found(&*store, 2).await.is_none());
    assert!(found(&*store, 3).await.is_some());
}

pub async fn all_sessions_of_an_account_end_and_no_other(store: Arc<dyn AccessStore>) {
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for number in 1..=3 {
        keep(&*store, &session(number, Some(ann))).await;
    }
    keep(&*store, &session(4, Some(bob))).await;
    keep(&*store, &session(5, None)).await;
    store.delete_sessions_of(Uuid::new_v4(), None).await.unwrap();
    assert!(found(&*store, 1).await.is_some());

    store.delete_sessions_of(ann, None).await.unwrap();
    store.delete_sessions_of(ann, None).await.unwrap();
    for number in 1..=3 {
        assert!(found(&*store, number).await.is_none());
    }
    assert!(found(&*store, 4).await.is_some());
    assert!(found(&*store, 5).await.is_some());
}

pub async fn all_sessions_but_the_kept_one_end(store: Arc<dyn AccessStore>) {
    let ann = Uuid::new_v4();
    for number in 1..=3 {
        keep(&*store, &session(number, Some(ann))).await;
    }
    keep(&*store, &session(4, Some(Uuid::new_v4()))).await;
    store.delete_sessions_of(ann, Some(&hash(2))).await.unwrap();
    assert_eq!(found(&*store, 1).await, None);
    assert!(found(&*store, 2).await.is_some());
    assert_eq!(found(&*store, 3).await, None);
    assert!(found(&*store, 4).await.is_some());
    // One that is not there, or is another's, keeps nothing.
    store.delete_sessions_of(ann, Some(&hash(4))).await.unwrap();
    assert_eq!(found(&*store, 2).await, None);
    assert!(found(&*store, 4).await.is_some());
}

pub async fn the_sessions_of_an_account_come_last_to_end_first(store: Arc<dyn AccessStore>) {
    let ann = Uuid::new_v4();
    let ending =
        |number, millis| SessionRecord { expires_at: at(millis), ..session(number, Some(ann)) };
    let (first, last, between) = (ending(1, 1_000), ending(2, 3_000), ending(3, 2_000));
    for session in [&first, &last, &between] {
        keep(&*store, session).await;
    }
    keep(&*store, &session(4, Some(Uuid::new_v4()))).await;
    keep(&*store, &session(5, None)).await;
    let of = async |millis, limit| store.sessions_of(ann, at(millis), limit).await.unwrap();
    assert_eq!(of(0, 10).await, [last.clone(), between.clone(), first]);
    assert_eq!(of(1_000, 10).await, [last.clone(), between]);
    assert_eq!(of(0, 1).await, [last]);
    assert_eq!(of(0, 0).await, []);
    assert_eq!(store.sessions_of(Uuid::new_v4(), at(0), 10).await.unwrap(), []);
}

pub async fn a_session_belongs_to_an_account_from_its_signing_in(store: Arc<dyn AccessStore>) {
    let ann = Uuid::new_v4();
    keep(&*store, &session(1, None)).await;
    store.delete_sessions_of(ann, None).await.unwrap();
    assert!(found(&*store, 1).await.is_some());
    store.save_session(&session(1, Some(ann))).await.unwrap();
    store.delete_sessions_of(ann, None).await.unwrap();
    assert!(found(&*store, 1).await.is_none());
}

pub async fn a_sweep_spares_sessions_that_have_not_ended(store: Arc<dyn AccessStore>) {
    for (number, millis) in [(1, 999), (2, 1_000), (3, 1_001)] {
        let session = SessionRecord { expires_at: at(millis), ..session(number, None) };
        keep(&*store, &session).await;
    }
    store.sweep(at(1_000), TrailAges::default()).await.unwrap();
    let session_at = async |number| store.session(&hash(number), at(1_000)).await.unwrap();
    assert!(session_at(1).await.is_none());
    assert!(session_at(2).await.is_none());
    assert!(session_at(3).await.is_some());
}
