//! What a person at a shell finds, and what becomes of what they write.

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use trailkeep_store::Store as _;
use trailkeep_store::StoreError;
use trailkeep_store::access::{
    AccessStore as _, Admission, AuditEntry, Role, Scope, StaffAccount, StaffChange, TokenRecord,
};
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::team::{TeamRecord, TeamStore as _};
use trailkeep_store_contract::access::samples::{account, at, entry, hash, session, token};
use uuid::Uuid;

use super::documents;
use crate::homes::{MongoPlace, SETTINGS};

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(at(millis).as_millis())
}

fn uuid(id: Uuid) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() }
}

fn generic(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

#[tokio::test]
async fn documents_of_access_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let ann = StaffAccount { role: Role::Admin, ..account("ann@example.com") };
            let bob = account("bob@example.com");
            for account in [&ann, &bob] {
                store.create_account(account, Admission::Any).await.unwrap();
            }
            let document = |account: &StaffAccount, role: &str| {
                doc! {
                    "_id": uuid(account.id), "email": &account.email, "name": "Ann",
                    "role": role, "passwordHash": &account.password_hash,
                    "isDisabled": false, "sessionEpoch": 0_i64, "createdAt": date(123),
                }
            };
            let mut first = document(&ann, "admin");
            first.insert("first", true);
            let accounts = [first, document(&bob, "staff")];
            assert_eq!(documents(&place, "accounts").await, accounts);
            store.note_place(bob.id, &hash(7)).await.unwrap();
            let kept = documents(&place, "accounts").await;
            assert_eq!(kept[1].get_array("places").unwrap(), &[generic(&hash(7)).into()]);

            store.add_set_up_code(&hash(8), at(8)).await.unwrap();
            let codes = [doc! { "_id": generic(&hash(8)), "createdAt": date(8) }];
            assert_eq!(documents(&place, "setUpCodes").await, codes);

            store.create_session(&session(1, Some(ann.id))).await.unwrap();
            store.create_session(&session(2, None)).await.unwrap();
            let sessions = [
                doc! {
                    "_id": generic(&hash(1)), "accountId": uuid(ann.id),
                    "data": generic(&[1, 1, 1]), "expiresAt": date(1_000),
                },
                doc! {
                    "_id": generic(&hash(2)),
                    "data": generic(&[2, 2, 2]), "expiresAt": date(1_000),
                },
            ];
            assert_eq!(documents(&place, "sessions").await, sessions);

            let bare = token(1);
            let full = TokenRecord {
                scope: Scope::Read,
                expires_at: Some(at(7)),
                last_used_at: Some(at(5)),
                ..token(2)
            };
            for token in [&bare, &full] {
                store.create_token(token).await.unwrap();
            }
            let tokens = [
                doc! {
                    "_id": uuid(bare.id), "name": "token 1", "hash": generic(&hash(1)),
                    "scope": "monitor", "createdBy": uuid(bare.created_by), "createdAt": date(1),
                },
                doc! {
                    "_id": uuid(full.id), "name": "token 2", "hash": generic(&hash(2)),
                    "scope": "read", "createdBy": uuid(full.created_by), "createdAt": date(2),
                    "expiresAt": date(7), "lastUsedAt": date(5),
                },
            ];
            assert_eq!(documents(&place, "tokens").await, tokens);

            let read = AuditEntry {
                actor_id: Some(ann.id),
                client: Some("127.0.0.1".to_owned()),
                reason: Some("T-17".to_owned()),
                ..entry(3, "ann@example.com", Some("test123"))
            };
            store.record(std::slice::from_ref(&read)).await.unwrap();
            let trail = [doc! {
                "_id": uuid(read.id), "at": date(3), "actor": "ann@example.com",
                "actorId": uuid(ann.id), "action": "journey.read", "subject": "test123",
                "client": "127.0.0.1", "reason": "T-17",
            }];
            assert_eq!(documents(&place, "audit").await, trail);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn the_document_of_a_team_is_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let team = TeamRecord {
                sentences: [("order.$placed".to_owned(), "Placed {id}".to_owned())].into(),
                hidden_types: vec!["page_leave".to_owned()],
                pinned_keys: [("order".to_owned(), vec!["cart.total".to_owned()])].into(),
                asks_for_reason: true,
                updated_at: at(7),
            };
            for _ in 0..2 {
                store.set_team(&team).await.unwrap();
            }
            let kept = [doc! {
                "_id": "team",
                "sentences": [{ "type": "order.$placed", "text": "Placed {id}" }],
                "hiddenTypes": ["page_leave"],
                "pinnedKeys": [{ "type": "order", "keys": ["cart.total"] }],
                "asksForReason": true, "updatedAt": date(7),
            }];
            assert_eq!(documents(&place, "team").await, kept);

            let changed = doc! { "$set": { "hiddenTypes": 7 } };
            let collection = place.database().collection::<Document>("team");
            collection.update_one(doc! {}, changed).await.unwrap();
            let error = store.team().await.unwrap_err();
            assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
            store.set_team(&team).await.unwrap();
            assert_eq!(store.team().await.unwrap(), Some(team));
            store.close().await;
        })
        .await;
}

/// An account whose document was changed by something else than this version.
async fn changed_account(place: &MongoPlace, store: &MongoStore, change: Document) -> StaffAccount {
    let ann = account("ann@example.com");
    store.create_account(&ann, Admission::Any).await.unwrap();
    let accounts = place.database().collection::<Document>("accounts");
    accounts.update_one(doc! {}, change).await.unwrap();
    ann
}

#[tokio::test]
async fn an_account_of_an_earlier_version_is_at_its_first_session_epoch() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let ann =
                changed_account(&place, &store, doc! { "$unset": { "sessionEpoch": "" } }).await;
            assert_eq!(store.account(ann.id).await.unwrap().as_ref(), Some(&ann));
            let ending = StaffChange { ends_sessions: true, ..StaffChange::default() };
            let ended = store.change_account(ann.id, &ending).await.unwrap();
            assert_eq!(ended.map(|account| account.session_epoch), Some(1));
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_document_that_is_none_of_ours_opens_nothing() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let ann = changed_account(&place, &store, doc! { "$set": { "role": "root" } }).await;
            let error = store.account(ann.id).await.unwrap_err();
            assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
            store.close().await;
        })
        .await;
}
