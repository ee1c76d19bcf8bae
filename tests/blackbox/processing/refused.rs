//! A database that refuses what processing has to keep.

use bson::{Document, doc};

use super::log::{assert_in_order, repeated, sent_of};
use super::start;
use super::stored::{A_WHILE, Stored, ids_in};
use crate::eventually::eventually;
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;

on_both_stores!(
    a_feed_that_the_database_refuses_is_told_and_nothing_is_lost,
    an_outcome_that_the_database_refuses_is_kept_without_what_the_processor_said,
    a_user_whose_outcome_is_refused_altogether_waits_for_the_mend,
);

/// What a person has the database refuse.
struct Rule {
    collection: &'static str,
    validator: Document,
    table: &'static str,
    condition: &'static str,
}

impl Rule {
    fn feed() -> Self {
        let validator = doc! { "entries": { "$exists": false } };
        Self { collection: "feed.default", validator, table: "feed", condition: "true" }
    }

    fn outcomes(validator: Document, condition: &'static str) -> Self {
        Self { collection: "processedEvents", validator, table: "processed_events", condition }
    }

    async fn is_made(&self, stored: &Stored) {
        let Self { table, condition, .. } = self;
        let trigger = format!(
            "CREATE TRIGGER refuse_{table} BEFORE INSERT ON {table} WHEN {condition}
             BEGIN SELECT RAISE(ABORT, 'not wanted here'); END"
        );
        self.change(stored, &trigger, self.validator.clone()).await;
    }

    async fn is_dropped(&self, stored: &Stored) {
        let drop = format!("DROP TRIGGER refuse_{}", self.table);
        self.change(stored, &drop, doc! {}).await;
    }

    async fn change(&self, stored: &Stored, sql: &str, validator: Document) {
        match stored {
            Stored::Embedded(file) => file.execute_batch(sql).expect("a trigger"),
            Stored::MongoDb(database) => {
                let change = doc! { "collMod": self.collection, "validator": validator };
                database.run_command(change).await.map(|_| ()).expect("a validator");
            }
        }
    }
}

async fn a_feed_that_the_database_refuses_is_told_and_nothing_is_lost(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 3).await;
    let rule = Rule::feed();
    rule.is_made(&stored).await;

    service.post(&sample::events("u", "e", 3..10)).await.expect(202);

    eventually("/health tells it", A_WHILE, || async {
        let health = service.get("/health").await.json();
        let problem = health["problem"].as_str().unwrap_or_default();
        problem.contains("cannot be told to processors").then_some(())
    })
    .await;
    assert_eq!(home.stored().await, 10, "events are stored all the same");
    service.get("/readyz").await.expect(200);
    // The journal has them: neither a crash nor a stop loses any.
    service.crash().await;
    let soon = [("SHUTDOWN_GRACE_MS", "4000")];
    let service = start(&home, processor.url(), &soon).await;
    let ended = service.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(sent_of(&processor.log(), "u"), sample::ids("e", 0..3));
    rule.is_dropped(&stored).await;

    let service = start(&home, processor.url(), &[]).await;

    let outcomes = stored.wait_for("default", 10).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..10));
    assert_in_order(&processor.log());
    assert_eq!(repeated(&processor.log()), [].into());
    stored.wait_until_done().await;
    assert_eq!(service.get("/health").await.expect(200).json()["status"], "ok");
}

async fn an_outcome_that_the_database_refuses_is_kept_without_what_the_processor_said(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    service.post(&sample::event("first", "e")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 1).await;
    let validator = doc! { "$nor": [{ "userId": "u", "result": { "$exists": true } }] };
    let condition = "NEW.user_id = 'u' AND NEW.result IS NOT NULL";
    Rule::outcomes(validator, condition).is_made(&stored).await;

    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    service.post(&sample::events("v", "e", 0..3)).await.expect(202);

    let outcomes = stored.wait_for("default", 7).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..3));
    assert_eq!(ids_in(&outcomes, "v", "processed"), sample::ids("e", 0..3));
    assert!(outcomes.iter().all(|outcome| outcome.result.is_some() != (outcome.user == "u")));
    assert_eq!(repeated(&processor.log()), [].into());
    assert_in_order(&processor.log());
}

async fn a_user_whose_outcome_is_refused_altogether_waits_for_the_mend(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    service.post(&sample::event("first", "e")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 1).await;
    let rule = Rule::outcomes(doc! { "userId": { "$ne": "u" } }, "NEW.user_id = 'u'");
    rule.is_made(&stored).await;

    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    service.post(&sample::events("v", "e", 0..30)).await.expect(202);

    let outcomes = stored.wait_for("default", 31).await;
    assert_eq!(ids_in(&outcomes, "v", "processed"), sample::ids("e", 0..30));
    assert_eq!(ids_in(&outcomes, "u", "processed"), [""; 0]);
    assert_eq!(sent_of(&processor.log(), "u"), ["e-0"]);
    eventually("it is tried again", A_WHILE, || async {
        service.log().contains("the database did not take outcomes").then_some(())
    })
    .await;
    let problem = async || {
        let health = service.get("/health").await.expect(200).json();
        health["processors"][0]["problem"].as_str().map(str::to_owned)
    };
    eventually("monitors are told", A_WHILE, async || {
        problem().await?.contains("the database refuses outcomes").then_some(())
    })
    .await;
    let lines = service.log().lines().filter(|line| line.contains("outcome")).count();
    assert!(lines < 10, "as fast as the database can refuse: {}", service.log());
    rule.is_dropped(&stored).await;
    let outcomes = stored.wait_for("default", 34).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..3));
    assert_eq!(repeated(&processor.log()), [].into());
    eventually("nothing is wrong any more", A_WHILE, async || {
        problem().await.is_none().then_some(())
    })
    .await;
}
