#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_password_is_masked_and_nothing_else() {
    for (uri, shown) in [
        ("mongodb://user:pw@host/db", "mongodb://user:***@host/db"),
        (
            "mongodb+srv://user:pw@cluster.example/?w=majority",
            "mongodb+srv://user:***@cluster.example/?w=majority",
        ),
        (
            "mongodb://user:pw@a:1,b:2,c:3/db?replicaSet=rs",
            "mongodb://user:***@a:1,b:2,c:3/db?replicaSet=rs",
        ),
        ("mongodb://user:p%40w%2F@host", "mongodb://user:***@host"),
        ("mongodb://user:@host", "mongodb://user:***@host"),
    ] {
        assert_eq!(mask(uri), shown);
    }
}

#[test]
fn without_a_password_nothing_is_masked() {
    for uri in [
        "mongodb://localhost",
        "mongodb://a:27017,b:27017/db?replicaSet=rs",
        "mongodb://user@host:27017/db?authMechanism=MONGODB-X509",
        "mongodb+srv://cluster.example/shop",
        "mongodb://[::1]:27017/db",
        "",
    ] {
        assert_eq!(mask(uri), uri);
    }
}

#[test]
fn a_password_with_special_characters_is_masked_whole() {
    for password in ["p@w", "p:w", "p/w", "p?w", "a@b/c@d", "p#w&x=y", "p://w", "[p]", "pä w"] {
        let uri = format!("mongodb://user:{password}@host/db");
        assert_eq!(mask(&uri), "mongodb://user:***@host/db", "{password}");
        let broken = format!("user:{password}@host/db");
        assert_eq!(mask(&broken), "user:***@host/db", "{password}");
    }
}

#[test]
fn options_that_hold_a_secret_are_masked() {
    assert_eq!(
        mask("mongodb://h/?tls=true&tlsCertificateKeyFilePassword=pw&w=1"),
        "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=***&w=1"
    );
    assert_eq!(
        mask("mongodb://h/?AuthMechanismProperties=AWS_SESSION_TOKEN:t"),
        "mongodb://h/?AuthMechanismProperties=***"
    );
}

#[test]
fn neither_debug_nor_display_shows_a_password() {
    let uri = MongodbUri::parse("mongodb://user:pw@host/db").unwrap();
    assert_eq!(uri.to_string(), "mongodb://user:***@host/db");
    assert_eq!(format!("{uri:?}"), "\"mongodb://user:***@host/db\"");
    assert_eq!(uri.expose(), "mongodb://user:pw@host/db");
}
