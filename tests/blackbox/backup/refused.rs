//! What no restore does: each has a clear error, and nothing changes.

use std::fs;

use serde_json::json;

use super::{Shelf, back_up, complaint, restore, run, save_erasures, state, text};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// A home with a database whose service is stopped, and a backup of it.
async fn backed_up() -> (Home, Shelf) {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..50)).await.expect(202);
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    service.terminate().await;
    (home, shelf)
}

async fn refused(home: &Home, shelf: &Shelf, flags: &[&str]) -> String {
    let before = state(home);
    let backup = shelf.backup();
    let told = complaint(&run(home, "restore", &[&[text(&backup)], flags].concat()).await);
    let after = state(home);
    assert!(before.keys().eq(after.keys()), "{:?}\n{:?}", before.keys(), after.keys());
    assert!(before == after, "a file has changed: {told}");
    told
}

#[tokio::test]
async fn a_backup_that_is_damaged_or_does_not_match_its_manifest_is_refused() {
    let (home, shelf) = backed_up().await;
    let (whole, manifest) = (fs::read(shelf.backup()).unwrap(), shelf.read_manifest());
    let replace = ["--replace"];
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(shelf.backup(), &damaged).unwrap();
    assert!(refused(&home, &shelf, &replace).await.contains("does not match its manifest"));
    fs::write(shelf.backup(), &whole[..whole.len() - 1]).unwrap();
    let told = refused(&home, &shelf, &replace).await;
    assert!(told.contains(&format!("{} bytes", whole.len() - 1)), "{told}");
    fs::remove_file(shelf.backup()).unwrap();
    assert!(refused(&home, &shelf, &replace).await.contains("backup.db"));
    fs::write(shelf.backup(), &whole).unwrap();

    shelf.change_manifest("sha256", json!("0".repeat(64)));
    assert!(refused(&home, &shelf, &replace).await.contains("SHA-256"));
    fs::write(shelf.manifest(), "{").unwrap();
    assert!(refused(&home, &shelf, &replace).await.contains("no manifest of a backup"));
    fs::remove_file(shelf.manifest()).unwrap();
    assert!(refused(&home, &shelf, &replace).await.contains("a backup is two files"));
    fs::write(shelf.manifest(), manifest.to_string()).unwrap();

    for field in ["schema", "format"] {
        shelf.change_manifest(field, json!(99));
        assert!(refused(&home, &shelf, &replace).await.contains("newer Trailkeep"));
        shelf.change_manifest(field, manifest[field].clone());
    }
    // In the year 2100.
    shelf.change_manifest("highestArrival", json!(4_102_444_800_000_i64 << 20));
    assert!(refused(&home, &shelf, &replace).await.contains("set the clock"));
    shelf.change_manifest("highestArrival", manifest["highestArrival"].clone());
    restore(&home, &shelf, &replace).await;
}

/// Its manifest says that it is whole, and it is no database of ours.
#[tokio::test]
async fn a_whole_file_that_is_no_database_is_refused() {
    let (home, shelf) = backed_up().await;
    for (bytes, sha256) in [
        ("x".repeat(4096), "a2e659dacb4691e887ac0139f8893d04764ee197d70fb73d3190d56113d18e3e"),
        (String::new(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ] {
        fs::write(shelf.backup(), &bytes).unwrap();
        shelf.change_manifest("bytes", json!(bytes.len()));
        shelf.change_manifest("sha256", json!(sha256));
        let told = refused(&home, &shelf, &["--replace"]).await;
        assert!(told.contains("the backup is damaged"), "{told}");
    }
}

#[tokio::test]
async fn a_folder_with_a_database_or_a_service_is_left_alone() {
    let (home, shelf) = backed_up().await;
    assert!(refused(&home, &shelf, &[]).await.contains("--replace"));
    let service = Service::start(&home).await;
    let backup = shelf.backup();
    for flags in [&[][..], &["--replace"]] {
        let told = run(&home, "restore", &[&[text(&backup)], flags].concat()).await;
        assert!(complaint(&told).contains("in use by another process"));
    }
    assert_eq!(service.journey("ann", "").await["count"], 50);
    service.terminate().await;
    // What cannot be read does not say who was erased.
    let database = home.folder().join("trailkeep.db");
    fs::write(&database, "x".repeat(8192)).unwrap();
    assert!(refused(&home, &shelf, &["--replace"]).await.contains("cannot be read"));
    fs::remove_file(&database).unwrap();
    fs::write(home.folder().join("trailkeep.db-wal"), "x").unwrap();
    assert!(refused(&home, &shelf, &[]).await.contains("without its database"));
    fs::remove_file(home.folder().join("trailkeep.db-wal")).unwrap();
    restore(&home, &shelf, &[]).await;
}

#[tokio::test]
async fn a_list_that_is_older_or_of_another_database_is_refused() {
    let (home, shelf) = backed_up().await;
    let old = Shelf::new();
    let list = save_erasures(&home, &old).await;
    let service = Service::start(&home).await;
    fs::remove_file(shelf.backup()).unwrap();
    fs::remove_file(shelf.manifest()).unwrap();
    back_up(&home, &shelf).await;
    service.terminate().await;
    let flags = ["--replace", "--erasures", text(&list)];
    assert!(refused(&home, &shelf, &flags).await.contains("older than the backup"));
    fs::write(&list, "[]").unwrap();
    assert!(refused(&home, &shelf, &flags).await.contains("no list of erasures"));

    let (other, of_other) = backed_up().await;
    let list = save_erasures(&other, &of_other).await;
    let flags = ["--replace", "--erasures", text(&list)];
    assert!(refused(&home, &shelf, &flags).await.contains("of another database"));
    // A database that is replaced has such a list as well.
    assert!(refused(&other, &shelf, &["--replace"]).await.contains("of another database"));
}
