#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

async fn settled(uri: &str) -> (ClientOptions, WriteConcern) {
    let mut options = ClientOptions::parse(uri).await.unwrap();
    let concern = settle(&mut options).unwrap();
    (options, concern)
}

#[tokio::test]
async fn a_plain_uri_gets_majority_journaled_and_short_timeouts() {
    let (options, concern) = settled("mongodb://localhost").await;
    assert_eq!(concern.w, Some(Acknowledgment::Majority));
    assert_eq!(concern.journal, Some(true));
    assert_eq!(options.server_selection_timeout, Some(Duration::from_secs(5)));
    assert_eq!(options.connect_timeout, Some(Duration::from_secs(5)));
    assert_eq!(options.app_name.as_deref(), Some("trailkeep"));
}

#[tokio::test]
async fn what_the_uri_says_stands() {
    let uri = "mongodb://localhost/?w=2&serverSelectionTimeoutMS=700&connectTimeoutMS=800&\
               appName=shop";
    let (options, concern) = settled(uri).await;
    assert_eq!(concern.w, Some(Acknowledgment::Majority));
    assert_eq!(options.server_selection_timeout, Some(Duration::from_millis(700)));
    assert_eq!(options.connect_timeout, Some(Duration::from_millis(800)));
    assert_eq!(options.app_name.as_deref(), Some("shop"));
}

#[tokio::test]
async fn what_is_relied_on_is_acknowledged_by_a_majority_and_journaled() {
    for (uri, expected) in [
        ("mongodb://localhost/?w=1&journal=false", Acknowledgment::Majority),
        ("mongodb://localhost/?w=2", Acknowledgment::Majority),
        ("mongodb://localhost/?w=everywhere", Acknowledgment::Custom("everywhere".to_owned())),
    ] {
        let mut options = ClientOptions::parse(uri).await.unwrap();
        let concern = settle(&mut options).unwrap();
        assert_eq!(concern.w, Some(expected), "{uri}");
        assert_eq!(concern.journal, Some(true), "{uri}");
    }
}

#[tokio::test]
async fn a_write_timeout_alone_names_no_write_concern() {
    let (_, concern) = settled("mongodb://localhost/?wtimeoutMS=300").await;
    assert_eq!(concern.w, Some(Acknowledgment::Majority));
    assert_eq!(concern.journal, Some(true));
    assert_eq!(concern.w_timeout, Some(Duration::from_millis(300)));
}

#[tokio::test]
async fn the_command_carries_the_write_concern_in_the_servers_words() {
    let connection =
        Connection::open("mongodb://localhost/?w=majority&wtimeoutMS=300&journal=true")
            .await
            .unwrap();
    let link = connection.link().await.unwrap();
    let w = link.write_concern();
    assert_eq!(w.get_str("w").unwrap(), "majority");
    assert!(w.get_bool("j").unwrap());
    assert_eq!(w.get_i32("wtimeout").unwrap(), 300);
    connection.close().await;
}

#[tokio::test]
async fn writes_without_an_acknowledgement_are_refused() {
    let error = Connection::open("mongodb://localhost/?w=0").await.err();
    assert_eq!(error, Some(MongoOpenError::Unacknowledged));
}

#[tokio::test]
async fn no_malformed_uri_shows_its_password() {
    for uri in [
        "mongodb://ann:s3cr3tw0rd@host:port/db",
        "mongodb://ann:s3cr3t/w0rd@host/db",
        "mongodb://ann:s3cr3t?w0rd@host/db",
        "mongodb://ann:s3cr3t@w0rd@host/db",
        "mongodb://ann:x@s3cr3t?w0rd@host/db",
        "mongodb://ann:s3cr3t%w0rd@host/db",
        "mongodb://ann:s3cr3tw0rd@host/db?nonsense",
        "mongodb://ann:s3cr3tw0rd@/db",
        "mongodb://ann:s3cr3tw0rd",
        "mongodb://ann:s3cr3tw0rd/db",
        "mongodb://host/?authMechanismProperties=TOKEN:s3cr3t,w0rd",
        "postgres://ann:s3cr3tw0rd@host/db",
        "ann:s3cr3tw0rd@host/db",
    ] {
        let error = Connection::open(uri).await.err().expect(uri).to_string();
        assert!(!error.contains("s3cr3t") && !error.contains("w0rd"), "{uri}: {error}");
    }
}

#[tokio::test]
async fn hosts_that_cannot_be_looked_up_yet_are_no_error_at_the_start() {
    let connection = Connection::open("mongodb+srv://cluster.trailkeep.invalid/db").await.unwrap();
    match connection.link().await.err() {
        Some(StoreError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
    connection.close().await;
}

#[test]
fn the_place_of_a_uri_has_no_word_of_who_signs_in() {
    for (uri, hosts, database) in [
        ("mongodb://localhost", "localhost:27017", "trailkeep"),
        ("mongodb://ann:hunter2@a:1,b:2/shop?w=1&authSource=admin", "a:1,b:2", "shop"),
    ] {
        let expected = Place { hosts: hosts.to_owned(), database: database.to_owned() };
        assert_eq!(place(uri), expected, "{uri}");
    }
}
