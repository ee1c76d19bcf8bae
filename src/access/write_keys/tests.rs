#![allow(clippy::unwrap_used)]

mod memory_keys;
mod setup;

use std::fs;

use trailkeep_event::Timestamp;

use self::setup::{Process, Setup};
use super::*;

const SHOP: (&str, &str) = ("shop", "wk-shop-0123456789");
const APP: (&str, &str) = ("app", "wk-app-0123456789");

fn named(name: &str) -> NewWriteKey {
    NewWriteKey { name: name.to_owned(), ..NewWriteKey::default() }
}

fn taken(keys: &Process, sent: &str) -> Result<String, NotTaken> {
    keys.admit(sent, None).map(|name| name.to_string())
}

#[tokio::test]
async fn a_key_of_the_settings_is_known_by_its_whole_text() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP, APP]).await;
    assert_eq!(keys.rule(), Rule::Required);
    assert_eq!(taken(&keys, SHOP.1), Ok("shop".to_owned()));
    assert_eq!(taken(&keys, APP.1), Ok("app".to_owned()));
    for wrong in ["", "shop", "wk-shop-012345678", "WK-SHOP-0123456789", "wk-shop-0123456789 "] {
        assert_eq!(taken(&keys, wrong), Err(NotTaken::Unknown), "{wrong:?}");
    }
}

#[tokio::test]
async fn which_keys_of_the_settings_count_is_said_by_who_asks() {
    let setup = Setup::new();
    let mut process = setup.looked(&[SHOP]).await;
    process.of_settings = KeysOfSettings::new([("shop", APP.1)]);
    assert_eq!(taken(&process, SHOP.1), Err(NotTaken::Unknown), "it has another text");
    assert_eq!(taken(&process, APP.1), Ok("shop".to_owned()));
    process.of_settings = KeysOfSettings::default();
    assert_eq!((process.rule(), taken(&process, APP.1)), (Rule::Open, Err(NotTaken::Unknown)));
}

#[tokio::test]
async fn a_key_is_taken_from_its_making_to_its_revoking_and_is_kept_as_a_hash() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    assert_eq!(keys.rule(), Rule::Open);
    let (key, made) = keys.create(named("site"), None).await.unwrap();
    assert!(key.starts_with("wk_") && key.len() == 46 && key.ends_with(&made.hint), "{key}");
    assert_eq!((keys.rule(), taken(&keys, &key)), (Rule::Required, Ok("site".to_owned())));
    assert_eq!(setup.store.keys(), std::slice::from_ref(&made));
    let file = fs::read_to_string(setup.folder.path().join(file::NAME)).unwrap();
    assert!(file.contains("\"site\"") && !file.contains(&key), "{file}");

    assert_eq!(keys.revoke(made.id).await.unwrap().name, "site");
    assert_eq!(taken(&keys, &key), Err(NotTaken::Unknown));
    assert_eq!(keys.rule(), Rule::Open);
    assert!(matches!(keys.revoke(made.id).await, Err(WriteKeyError::NoSuchKey)));
}

#[tokio::test]
async fn what_one_instance_does_is_in_force_on_another_with_its_next_look() {
    let setup = Setup::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (here, there) = (setup.looked(&[]).await, setup.started_in(elsewhere.path(), &[]));
    there.look().await.unwrap();
    let (key, made) = here.create(named("site"), None).await.unwrap();
    assert_eq!(there.rule(), Rule::Open);
    there.look().await.unwrap();
    assert_eq!(taken(&there, &key), Ok("site".to_owned()));
    here.revoke(made.id).await.unwrap();
    there.look().await.unwrap();
    assert_eq!((there.rule(), taken(&there, &key)), (Rule::Open, Err(NotTaken::Unknown)));

    let reads = setup.store.reads();
    there.look().await.unwrap();
    assert_eq!(setup.store.reads(), reads, "nothing has changed");
}

#[tokio::test]
async fn what_was_changed_by_somebody_who_was_killed_is_seen_within_thirty_looks() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    let (key, made) = keys.create(named("site"), None).await.unwrap();
    setup.store.remove_silently(made.id);
    for _ in 0..=READ_ALL_EVERY {
        keys.look().await.unwrap();
    }
    assert_eq!(taken(&keys, &key), Err(NotTaken::Unknown));
}

#[tokio::test]
async fn a_start_without_the_store_takes_what_was_taken_before() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    let (kept, _) = keys.create(named("kept"), None).await.unwrap();
    let (revoked, made) = keys.create(named("revoked"), None).await.unwrap();
    keys.revoke(made.id).await.unwrap();
    setup.store.set_away(true);
    let keys = setup.started(&[]);
    assert!(keys.look().await.is_err());
    assert_eq!(keys.rule(), Rule::Required);
    assert_eq!(taken(&keys, &kept), Ok("kept".to_owned()));
    assert_eq!(taken(&keys, &revoked), Err(NotTaken::Unknown));
}

#[tokio::test]
async fn that_there_was_no_key_is_known_without_the_store_too() {
    let setup = Setup::new();
    setup.looked(&[]).await;
    setup.store.set_away(true);
    assert_eq!(setup.started(&[]).rule(), Rule::Open);
}

#[tokio::test]
async fn without_the_file_nothing_is_known_until_the_store_answers() {
    let setup = Setup::new();
    let (key, _) = setup.looked(&[]).await.create(named("site"), None).await.unwrap();
    let path = setup.folder.path().join(file::NAME);
    for damaged in [None, Some(""), Some("trailkeep write-keys 1 x\n")] {
        match damaged {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        setup.store.set_away(true);
        let keys = setup.started(&[]);
        assert!(keys.look().await.is_err());
        assert_eq!(keys.rule(), Rule::Unknown, "{damaged:?}");

        let beside = setup.started(&[SHOP]);
        assert_eq!(beside.rule(), Rule::Required);
        assert_eq!(taken(&beside, SHOP.1), Ok("shop".to_owned()));
        assert_eq!(taken(&beside, &key), Err(NotTaken::NotKnownYet), "it may be one");

        setup.store.set_away(false);
        keys.look().await.unwrap();
        assert_eq!(taken(&keys, &key), Ok("site".to_owned()));
        setup.store.set_away(true);
        assert_eq!(taken(&setup.started(&[]), &key), Ok("site".to_owned()), "the file is back");
        setup.store.set_away(false);
    }
}

#[tokio::test]
async fn a_key_ends_when_it_was_to_end_and_one_has_to_be_sent_until_it_is_revoked() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    let expires_at = Some(setup.now().plus_millis(1_000));
    let (key, made) = keys.create(NewWriteKey { expires_at, ..named("site") }, None).await.unwrap();
    setup.clock.advance_millis(999);
    assert!(taken(&keys, &key).is_ok());
    setup.clock.advance_millis(1);
    assert_eq!(taken(&keys, &key), Err(NotTaken::Unknown));
    for keys in [&keys, &setup.looked(&[]).await] {
        assert_eq!(keys.rule(), Rule::Required);
    }
    assert!(matches!(keys.create(named("site"), None).await, Err(WriteKeyError::NameTaken)));
    keys.revoke(made.id).await.unwrap();
    assert_eq!(keys.rule(), Rule::Open);
    keys.create(named("site"), None).await.unwrap();
}

#[tokio::test]
async fn a_key_with_origins_is_taken_from_their_pages_and_from_what_is_no_page() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP]).await;
    let origins = vec!["https://b.example".to_owned(), "https://a.example:8443".to_owned()];
    let (key, _) = keys.create(NewWriteKey { origins, ..named("site") }, None).await.unwrap();
    // As it is made, as it is read from the store, and as it is read from the file.
    let others = [setup.started(&[]), setup.looked(&[]).await];
    for keys in [&keys, &others[0], &others[1]] {
        for origin in ["https://a.example:8443", "https://b.example"] {
            assert!(keys.admit(&key, Some(origin.as_bytes())).is_ok(), "{origin}");
            assert!(keys.names_origin(origin.as_bytes()));
        }
        for origin in ["null", "", "https://a.example", "https://B.example", "https://b.example/"] {
            let refused = keys.admit(&key, Some(origin.as_bytes()));
            assert_eq!(refused, Err(NotTaken::OtherOrigin), "{origin}");
            assert!(!keys.names_origin(origin.as_bytes()));
        }
        assert!(keys.admit(&key, None).is_ok());
    }
    for origin in ["null", "https://anywhere.example"] {
        assert!(keys.admit(SHOP.1, Some(origin.as_bytes())).is_ok(), "it is for any");
    }
}

#[tokio::test]
async fn each_mistake_in_a_key_is_named() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP]).await;
    let origins = |many| (0..many).map(|n| format!("https://{n}.example")).collect::<Vec<_>>();
    let with = |origins: &[&str]| origins.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
    for (new, fields) in [
        (named(""), &["name"][..]),
        (named("a b"), &["name"]),
        (named(&"x".repeat(65)), &["name"]),
        (NewWriteKey { origins: origins(101), ..named("a") }, &["origins"]),
        (NewWriteKey { origins: with(&["null"]), ..named("a") }, &["origins[0]"]),
        (NewWriteKey { origins: with(&["*"]), ..named("a") }, &["origins[0]"]),
        (
            NewWriteKey {
                origins: with(&["https://a.example", "https://a.example/", "A"]),
                expires_at: Timestamp::from_millis(0),
                ..named("ä")
            },
            &["name", "origins[1]", "origins[2]", "expiresAt"],
        ),
    ] {
        let Err(WriteKeyError::Invalid(faults)) = keys.create(new.clone(), None).await else {
            unreachable!("{new:?}");
        };
        let named: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, fields, "{new:?}");
    }
    let taken = keys.create(named("shop"), None).await;
    assert!(matches!(taken, Err(WriteKeyError::NameTaken)), "the settings have it");
    let most = NewWriteKey { origins: origins(100), ..named("most") };
    assert_eq!(keys.create(most, None).await.unwrap().1.origins.len(), 100);
    let twice = NewWriteKey { origins: with(&["https://a.example"; 3]), ..named("twice") };
    assert_eq!(keys.create(twice, None).await.unwrap().1.origins, ["https://a.example"]);
}

#[tokio::test]
async fn there_are_no_more_keys_and_origins_than_may_be() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    let (_, made) = keys.create(named("first"), None).await.unwrap();
    let of = |number: usize, origins: usize| WriteKeyRecord {
        id: Uuid::from_u128(number as u128),
        name: format!("key-{number}"),
        hash: hash_secret(&number.to_string()),
        origins: (0..origins).map(|n| format!("https://{n}.example")).collect(),
        ..made.clone()
    };
    setup.store.put((0..MAX_KEYS).map(|number| of(number, 0)).collect());
    let refused = keys.create(named("one-more"), None).await;
    assert!(matches!(refused, Err(WriteKeyError::TooManyKeys)), "{refused:?}");
    assert!(taken(&keys, "9999").is_ok());

    setup.store.put((0..200).map(|number| of(number, 100)).collect());
    keys.create(named("without"), None).await.unwrap();
    let origins = vec!["https://one.example".to_owned()];
    let refused = keys.create(NewWriteKey { origins, ..named("with") }, None).await;
    assert!(matches!(refused, Err(WriteKeyError::TooManyOrigins)), "{refused:?}");
}

/// Nobody can write to the file, whoever runs the test.
fn block(setup: &Setup) -> std::path::PathBuf {
    let aside = setup.folder.path().join("write-keys.new");
    fs::create_dir(&aside).unwrap();
    aside
}

#[tokio::test]
async fn where_the_folder_cannot_be_written_no_key_is_made() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP]).await;
    let aside = block(&setup);
    let refused = keys.create(named("site"), None).await;
    assert!(matches!(refused, Err(WriteKeyError::NotKept(_))), "{refused:?}");
    assert_eq!(setup.store.keys(), []);
    fs::remove_dir(aside).unwrap();
    keys.create(named("site"), None).await.unwrap();
}

#[tokio::test]
async fn where_the_folder_cannot_be_written_a_key_is_revoked_here_and_for_good_later() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP]).await;
    let (key, made) = keys.create(named("site"), None).await.unwrap();
    let aside = block(&setup);
    for _ in 0..2 {
        let refused = keys.revoke(made.id).await;
        assert!(matches!(refused, Err(WriteKeyError::NotKept(_))), "{refused:?}");
        assert_eq!(taken(&keys, &key), Err(NotTaken::Unknown));
    }
    assert!(taken(&setup.started(&[]), &key).is_ok(), "it is as it was said");
    fs::remove_dir(aside).unwrap();
    keys.look().await.unwrap();
    assert_eq!(taken(&setup.started(&[]), &key), Err(NotTaken::Unknown));
    assert!(matches!(keys.revoke(made.id).await, Err(WriteKeyError::NoSuchKey)));
}

#[tokio::test]
async fn a_key_that_was_made_and_not_told_is_taken_back() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    setup.store.lose_answers();
    assert!(matches!(keys.create(named("site"), None).await, Err(WriteKeyError::Store(_))));
    assert_eq!(setup.store.keys(), []);
    keys.look().await.unwrap();
    assert_eq!(keys.rule(), Rule::Open, "nobody would have the key that is needed");
}

#[tokio::test]
async fn while_the_store_is_away_nothing_changes() {
    let setup = Setup::new();
    let keys = setup.looked(&[]).await;
    let (key, made) = keys.create(named("site"), None).await.unwrap();
    setup.store.set_away(true);
    assert!(matches!(keys.revoke(made.id).await, Err(WriteKeyError::Store(_))));
    assert!(matches!(keys.create(named("b"), None).await, Err(WriteKeyError::Store(_))));
    assert!(taken(&keys, &key).is_ok());
}

#[tokio::test]
async fn a_use_is_noted_at_most_once_a_minute_and_all_in_one_go() {
    let setup = Setup::new();
    let keys = setup.looked(&[SHOP]).await;
    let mut texts = Vec::new();
    for name in ["a", "b", "c"] {
        texts.push(keys.create(named(name), None).await.unwrap().0);
    }
    let use_all = |keys: &Process| {
        for text in texts.iter().take(2).map(String::as_str).chain([SHOP.1]) {
            taken(keys, text).unwrap();
        }
    };
    keys.note_uses().await;
    assert_eq!(setup.store.touches(), [0_usize; 0]);
    use_all(&keys);
    for _ in 0..59 {
        keys.note_uses().await;
        use_all(&keys);
        setup.clock.advance_millis(1_000);
    }
    assert_eq!(setup.store.touches(), [2]);
    setup.clock.advance_millis(1_000);
    // A key that comes changes nothing about the others.
    keys.create(named("d"), None).await.unwrap();
    keys.look().await.unwrap();
    setup.store.set_away(true);
    keys.note_uses().await;
    setup.store.set_away(false);
    keys.note_uses().await;
    assert_eq!(setup.store.touches(), [2, 2]);
    let used: Vec<_> = setup.store.keys().into_iter().map(|key| key.last_used_at).collect();
    assert_eq!(used, [Some(setup.now()), Some(setup.now()), None, None]);
}
