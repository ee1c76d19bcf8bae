//! Staff accounts and what belongs to them, as a MongoDB keeps them.

use std::sync::Arc;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::options::IndexOptions;
use mongodb::{Client, IndexModel};
use trailkeep::store::access::{
    AccessStore, Account, Admission, AuditEntry, AuditRange, Created, Role, Scope, TokenRecord,
};
use trailkeep::store::mongo::MongoStore;
use trailkeep::store::{Store, StoreError};
use uuid::Uuid;

use crate::access::samples::{account, at, count, entry, hash, session, token};
use crate::homes::{MongoPlace, SETTINGS};
use crate::mongod::ReplicaSet;

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(at(millis).as_millis())
}

fn uuid(id: Uuid) -> Binary {
    Binary {
        subtype: BinarySubtype::Uuid,
        bytes: id.as_bytes().to_vec(),
    }
}

fn generic(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

async fn documents(place: &MongoPlace, collection: &str) -> Vec<Document> {
    let collection = place.database().collection(collection);
    let found = collection.find(doc! {}).await.unwrap();
    found.try_collect().await.unwrap()
}

#[tokio::test]
async fn documents_of_access_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let ann = Account {
                role: Role::Admin,
                ..account("ann@example.com")
            };
            let bob = account("bob@example.com");
            for account in [&ann, &bob] {
                store.create_account(account, Admission::Any).await.unwrap();
            }
            let document = |account: &Account, role: &str| {
                doc! {
                    "_id": uuid(account.id), "email": &account.email, "name": "Ann",
                    "role": role, "passwordHash": &account.password_hash,
                    "isDisabled": false, "createdAt": date(123),
                }
            };
            let mut first = document(&ann, "admin");
            first.insert("first", true);
            let accounts = [first, document(&bob, "staff")];
            assert_eq!(documents(&place, "accounts").await, accounts);

            store
                .create_session(&session(1, Some(ann.id)))
                .await
                .unwrap();
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
                ..entry(3, "ann@example.com", Some("test123"))
            };
            store.record(std::slice::from_ref(&read)).await.unwrap();
            let trail = [doc! {
                "_id": uuid(read.id), "at": date(3), "actor": "ann@example.com",
                "actorId": uuid(ann.id), "action": "journey.read", "subject": "test123",
                "client": "127.0.0.1",
            }];
            assert_eq!(documents(&place, "audit").await, trail);
            store.close().await;
        })
        .await;
}

/// Of each index but that of `_id`: collection, name, keys, and whichever of
/// its options decide what it does.
async fn indexes(place: &MongoPlace) -> Vec<(String, String, Document, Document)> {
    let mut found = Vec::new();
    for collection in ["accounts", "sessions", "tokens", "audit"] {
        let indexes = place.database().collection::<Document>(collection);
        let indexes = indexes.list_indexes().await.unwrap();
        let indexes: Vec<IndexModel> = indexes.try_collect().await.unwrap();
        for index in indexes {
            let options = index.options.unwrap_or_default();
            let name = options.name.unwrap_or_default();
            let mut deciding = Document::new();
            if options.unique == Some(true) {
                deciding.insert("unique", true);
            }
            if options.sparse == Some(true) {
                deciding.insert("sparse", true);
            }
            if let Some(ttl) = options.expire_after {
                deciding.insert("seconds", i64::try_from(ttl.as_secs()).unwrap());
            }
            if let Some(filter) = options.partial_filter_expression {
                deciding.insert("partial", filter);
            }
            if name != "_id_" {
                found.push((collection.to_owned(), name, index.keys, deciding));
            }
        }
    }
    found
}

fn expected_indexes() -> Vec<(String, String, Document, Document)> {
    [
        (
            "accounts",
            "email",
            doc! { "email": 1 },
            doc! { "unique": true },
        ),
        (
            "accounts",
            "first",
            doc! { "first": 1 },
            doc! { "unique": true, "partial": { "first": true } },
        ),
        (
            "sessions",
            "account",
            doc! { "accountId": 1 },
            doc! { "sparse": true },
        ),
        (
            "sessions",
            "expiry",
            doc! { "expiresAt": 1 },
            doc! { "seconds": 0_i64 },
        ),
        (
            "tokens",
            "hash",
            doc! { "hash": 1 },
            doc! { "unique": true },
        ),
        (
            "tokens",
            "expiry",
            doc! { "expiresAt": 1 },
            doc! { "sparse": true, "seconds": 0_i64 },
        ),
        ("audit", "actor", doc! { "actor": 1, "_id": -1 }, doc! {}),
        (
            "audit",
            "subject",
            doc! { "subject": 1, "_id": -1 },
            doc! { "partial": { "subject": { "$exists": true } } },
        ),
        ("audit", "age", doc! { "at": 1 }, doc! {}),
    ]
    .map(|(collection, name, keys, options)| {
        (collection.to_owned(), name.to_owned(), keys, options)
    })
    .to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_prepare_at_the_same_time_and_again_make_each_index_once() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            for _ in 0..2 {
                let instances: Vec<_> = (0..4)
                    .map(|_| {
                        let place = place.clone();
                        tokio::spawn(async move {
                            let store = place.mongo_store(&SETTINGS).await;
                            store.prepare().await.unwrap();
                            store.close().await;
                        })
                    })
                    .collect();
                for instance in instances {
                    instance.await.unwrap();
                }
                assert_eq!(indexes(&place).await, expected_indexes());
            }
        })
        .await;
}

#[tokio::test]
async fn uniqueness_that_cannot_be_put_in_force_is_an_error() {
    for obstacle in ["two accounts with one address", "an index of that name"] {
        MongoPlace::new()
            .await
            .run(move |place| async move {
                let accounts = place.database().collection::<Document>("accounts");
                if obstacle == "an index of that name" {
                    let options = IndexOptions::builder().name("email".to_owned()).build();
                    let other = IndexModel::builder().keys(doc! { "name": 1 });
                    let other = other.options(options).build();
                    accounts.create_index(other).await.unwrap();
                } else {
                    let twins = [doc! { "email": "a@b.c" }, doc! { "email": "a@b.c" }];
                    accounts.insert_many(twins).await.unwrap();
                }
                let before = documents(&place, "accounts").await;
                let store = place.mongo_store(&SETTINGS).await;
                let ann = account("ann@example.com");
                for error in [
                    store.prepare().await.unwrap_err(),
                    store
                        .create_account(&ann, Admission::Any)
                        .await
                        .unwrap_err(),
                ] {
                    assert!(
                        matches!(error, StoreError::Denied(_)),
                        "{obstacle}: {error:?}"
                    );
                    assert!(error.to_string().contains("email"), "{obstacle}: {error}");
                }
                assert_eq!(documents(&place, "accounts").await, before);
                store.close().await;
            })
            .await;
    }
}

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
                assert_eq!(
                    count(&made, &Created::Created),
                    1,
                    "round {round}: {made:?}"
                );
                assert_eq!(
                    count(&made, &Created::NotFirst),
                    5,
                    "round {round}: {made:?}"
                );

                let the_same = |_| "ann@example.com".to_owned();
                let made = create_on_each(&stores, the_same, Admission::Any).await;
                assert_eq!(
                    count(&made, &Created::Created),
                    1,
                    "round {round}: {made:?}"
                );
                assert_eq!(
                    count(&made, &Created::EmailTaken),
                    5,
                    "round {round}: {made:?}"
                );
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
                one.create_session(&session(number, Some(ann)))
                    .await
                    .unwrap();
                let found = other.session(&hash(number), at(0)).await.unwrap();
                assert_eq!(found, Some(session(number, Some(ann))));
            }
            one.delete_session(&hash(1)).await.unwrap();
            assert_eq!(other.session(&hash(1), at(0)).await.unwrap(), None);
            one.delete_sessions_of(ann).await.unwrap();
            assert_eq!(other.session(&hash(2), at(0)).await.unwrap(), None);
            one.close().await;
            other.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_document_that_is_none_of_ours_opens_nothing() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let ann = account("ann@example.com");
            store.create_account(&ann, Admission::Any).await.unwrap();
            place
                .database()
                .collection::<Document>("accounts")
                .update_one(doc! {}, doc! { "$set": { "role": "root" } })
                .await
                .unwrap();
            let error = store.account(ann.id).await.unwrap_err();
            assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn what_a_validator_refuses_is_denied() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            for collection in ["sessions", "audit"] {
                let command = doc! {
                    "create": collection,
                    "validator": { "never": { "$exists": true } },
                };
                place.database().run_command(command).await.unwrap();
            }
            let store = place.mongo_store(&SETTINGS).await;
            for error in [
                store.create_session(&session(1, None)).await.unwrap_err(),
                store.record(&[entry(1, "ann", None)]).await.unwrap_err(),
            ] {
                assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
                assert!(error.to_string().contains("code 121"), "{error}");
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn the_trail_is_read_in_the_order_of_an_index() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let entries: Vec<_> = (0..400)
                .map(|number| {
                    let rare = number % 40 == 0;
                    let actor = if rare { "rare" } else { "ann" };
                    entry(number, actor, rare.then_some("u1"))
                })
                .collect();
            store.record(&entries).await.unwrap();
            place
                .database()
                .run_command(doc! { "profile": 2 })
                .await
                .unwrap();

            for (actor, subject, plan) in [
                (None, None, "IXSCAN { _id: 1 }"),
                (Some("rare"), None, "IXSCAN { actor: 1, _id: -1 }"),
                (None, Some("u1"), "IXSCAN { subject: 1, _id: -1 }"),
            ] {
                for before in [None, Some(entries[200].id)] {
                    let range = AuditRange {
                        before,
                        actor: actor.map(str::to_owned),
                        subject: subject.map(str::to_owned),
                    };
                    assert_eq!(store.audit(&range, 4).await.unwrap().len(), 4);
                    let query = last_query(&place, "audit").await;
                    assert_eq!(query.get_str("planSummary").unwrap(), plan);
                    assert!(!query.contains_key("hasSortStage"), "{query}");
                }
            }
            store.close().await;
        })
        .await;
}

async fn last_query(place: &MongoPlace, collection: &str) -> Document {
    place
        .database()
        .collection::<Document>("system.profile")
        .find_one(doc! { "op": "query", "command.find": collection })
        .sort(doc! { "ts": -1 })
        .await
        .unwrap()
        .unwrap()
}

/// Has the server carry the next such command out, and then answer that this
/// may not last: drivers send the command again.
async fn lose_the_answer_to(admin: &Client, command: &str) {
    let fault = doc! { "code": 262, "errmsg": "lost" };
    let fail = doc! {
        "configureFailPoint": "failCommand",
        "mode": { "times": 1 },
        "data": {
            "failCommands": [command],
            "writeConcernError": fault,
            "errorLabels": ["RetryableWriteError"],
        },
    };
    admin.database("admin").run_command(fail).await.unwrap();
}

/// How often the failures asked for have come about.
async fn losses(admin: &Client) -> i64 {
    let ask = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    let answer = admin.database("admin").run_command(ask).await.unwrap();
    match answer.get("count") {
        Some(Bson::Int32(count)) => i64::from(*count),
        Some(Bson::Int64(count)) => *count,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_neither_lost_nor_doubled() {
    let set = ReplicaSet::start_with(1, &["--setParameter", "enableTestCommands=1"]).await;
    let admin = Client::with_uri_str(set.uri("admin")).await.unwrap();
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS)
        .await
        .unwrap();
    store.prepare().await.unwrap();
    let before = losses(&admin).await;

    let ann = account("ann@example.com");
    lose_the_answer_to(&admin, "insert").await;
    let made = store.create_account(&ann, Admission::First).await;
    assert_eq!(made.unwrap(), Created::Created);

    lose_the_answer_to(&admin, "insert").await;
    assert!(store.create_session(&session(1, None)).await.unwrap());

    lose_the_answer_to(&admin, "insert").await;
    let kept = token(1);
    store.create_token(&kept).await.unwrap();

    lose_the_answer_to(&admin, "findAndModify").await;
    let deleted = store.delete_token(kept.id).await.unwrap();
    assert_eq!(deleted, Some(kept));

    lose_the_answer_to(&admin, "insert").await;
    let entries = [entry(1, "ann", None), entry(2, "ann", None)];
    let error = store.record(&entries).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    store.record(&entries).await.unwrap();
    let trail = store.audit(&AuditRange::default(), 10).await.unwrap();
    assert_eq!(trail.len(), 2);

    assert_eq!(losses(&admin).await - before, 5);
    store.close().await;
    admin.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_for_access_too() {
    let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
    let store = MongoStore::connect(uri, &SETTINGS).await.unwrap();
    let ann = account("ann@example.com");
    let errors = [
        store
            .create_account(&ann, Admission::First)
            .await
            .unwrap_err(),
        store.account(ann.id).await.unwrap_err(),
        store.create_session(&session(1, None)).await.unwrap_err(),
        store.session(&hash(1), at(0)).await.unwrap_err(),
        store.create_token(&token(1)).await.unwrap_err(),
        store.token_by_hash(&hash(1)).await.unwrap_err(),
        store.record(&[entry(1, "ann", None)]).await.unwrap_err(),
        store.sweep(at(0), Some(at(0))).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    store.close().await;
}
