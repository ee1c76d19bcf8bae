#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rusqlite::Connection;

use super::*;
use crate::embedded::schema;

/// What SQLite says it would do, in one line.
fn plan(connection: &Connection, statement: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let mut explain = connection.prepare(&explain).unwrap();
    let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
    steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn every_page_is_read_in_the_order_of_an_index() {
    let connection = Connection::open_in_memory().unwrap();
    for step in schema::MIGRATIONS {
        connection.execute_batch(step).unwrap();
    }
    let (before, actor, subject) = ("id < :before", "actor = :actor", "subject = :subject");
    for (conditions, expected) in [
        (vec![], "SCAN audit_trail"),
        (vec![before], "USING PRIMARY KEY (id<?)"),
        (vec![actor], "audit_trail_actor (actor=?)"),
        (vec![before, actor], "audit_trail_actor (actor=? AND id<?)"),
        (vec![subject], "audit_trail_subject (subject=?)"),
        (vec![before, subject], "audit_trail_subject (subject=? AND id<?)"),
        (vec![before, actor, subject], "id<?)"),
    ] {
        let plan = plan(&connection, &select(&conditions));
        assert!(plan.contains(expected), "{conditions:?}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{conditions:?}: {plan}");
    }
    let sweep = plan(&connection, DELETE_BEFORE);
    assert!(sweep.contains("audit_trail_age (at<?)"), "{sweep}");
}
