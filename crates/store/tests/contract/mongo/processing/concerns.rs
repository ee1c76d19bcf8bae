//! What each command carries, by the servers' own account of it.

use std::collections::BTreeSet;
use std::time::Duration;

use bson::{Document, doc};
use mongodb::Client;
use serde_json::Value;
use trailkeep_event::Arrival;
use trailkeep_store::erasures::{ErasureStore as _, Place};
use trailkeep_store::mongo::{MongoSettings, MongoStore};
use trailkeep_store::people::{Matching, PeopleStore as _, TermKind};
use trailkeep_store::processing::{ProcessedState, ProcessingStore as _, Wanted};
use trailkeep_store::{Id, Retention, Store as _};
use trailkeep_store_contract::erasures::samples::{erasure, hash};
use trailkeep_store_contract::people::samples::{decided, person, session};
use trailkeep_store_contract::processing::samples::{
    NAME, command, document, document_id, event_id, hour, lease, outcome, parked, processor, record,
};
use trailkeep_store_contract::samples::at;
use trailkeep_testkit::mongod::{Mongod, ReplicaSet};

use crate::homes::SETTINGS;

const DAY: Duration = Duration::from_secs(86_400);

/// Has a server log each command.
async fn log_all(member: &Mongod) {
    let client = Client::with_uri_str(direct(member)).await.unwrap();
    let all = doc! { "profile": 0, "slowms": -1 };
    client.database("shop").run_command(all).await.unwrap();
    client.shutdown().await;
}

fn direct(member: &Mongod) -> String {
    format!("{}?directConnection=true", member.uri("admin"))
}

const READS: [&str; 2] = ["find", "aggregate"];
const WRITES: [&str; 4] = ["insert", "update", "delete", "drop"];

/// A command of ours, as the server has logged it.
struct Logged {
    name: &'static str,
    collection: String,
    command: Value,
}

/// The commands about a collection of `shop` that the store has sent, in order.
fn commands(member: &Mongod) -> Vec<Logged> {
    let lines = member.log();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(logged).collect()
}

fn logged(line: Value) -> Option<Logged> {
    let attributes = &line["attr"];
    let command = &attributes["command"];
    let mut names = READS.iter().chain(&WRITES);
    let (name, collection) = names.find_map(|name| Some((*name, command[name].as_str()?)))?;
    let is_ours = line["msg"] == "Slow query"
        && attributes["appName"] == "trailkeep"
        && command["$db"] == "shop";
    is_ours.then(|| Logged { name, collection: collection.to_owned(), command: command.clone() })
}

/// Each call but that which adds a processor, and none of another kind.
async fn call_all(store: &MongoStore) {
    // From its answer on there is a time to wait for.
    store.change_wanted(NAME, 0, &Wanted::default()).await.unwrap();
    store.processors().await.unwrap();
    store.see_processor(NAME, hour()).await.unwrap();
    store.replace_lease(NAME, None, &lease(1, 1, 1)).await.unwrap();
    store.append(NAME, &document(1, 1)).await.unwrap();
    store.feeding(NAME).await.unwrap();
    store.documents(NAME, document_id(1, 1), 10).await.unwrap();
    store.remove_documents(NAME, &[document_id(1, 1)]).await.unwrap();
    let outcomes = [0, 1].map(|run| outcome(run.into(), run, ProcessedState::Processed));
    store.record(NAME, &outcomes).await.unwrap();
    store.states(NAME, &[event_id(0)]).await.unwrap();
    store.outcomes(NAME, &[event_id(0)]).await.unwrap();
    store.failed(NAME).await.unwrap();
    assert!(store.park(NAME, &parked(1, 1, 1, 0)).await.unwrap());
    store.parked(NAME).await.unwrap();
    store.stamp(NAME, 1).await.unwrap();
    store.move_record(NAME, &record(1, 1, 1, 0), &record(1, 2, 1, 1)).await.unwrap();
    store.unpark(NAME, &record(1, 2, 1, 1)).await.unwrap();
    store.events(&[event_id(0)]).await.unwrap();
    store.events_from("ann", Arrival::from_i64(0), 10).await.unwrap();
    store.walk(None, 10).await.unwrap();
    store.users_after(None, 10).await.unwrap();
    store.failed_outcomes(NAME, Some((hour(), event_id(0))), 10).await.unwrap();
    store.feed_size(NAME).await.unwrap();
    let asked = command(NAME, 1);
    assert!(store.add_command(&asked).await.unwrap());
    store.commands(NAME).await.unwrap();
    store.command(asked.id).await.unwrap();
    assert!(store.change_command(asked.id, Some("1"), None).await.unwrap());
    store.publish(NAME, hour(), "{}").await.unwrap();
    store.published(NAME).await.unwrap();
    store.remove_processor(NAME).await.unwrap();
}

/// Each call about people, with a row for the sweep to find.
async fn call_about_people(store: &MongoStore) {
    let joined = decided("device", Some("nobody"), at(0));
    store.merge_in(&[person("ann"), person("device"), joined]).await.unwrap();
    store.linked_to("ann", &["bob"], 10).await.unwrap();
    store.by_term(TermKind::Id, "an", Matching::Prefix, 10).await.unwrap();
    let again = decided("device", Some("nobody"), at(1));
    store.merge_in(&[again]).await.unwrap();
    store.note_sessions(&[session("s", "ann", 2)]).await.unwrap();
    store.note_sessions(&[session("s", "ann", 1)]).await.unwrap();
    store.session_user("s").await.unwrap();
    store.sweep(at(2 * DAY.as_millis() as i64)).await.unwrap();
    assert_eq!(store.people(&["device"]).await.unwrap(), []);
}

/// Each call about who is erased, with something for each to find or to change.
async fn call_about_erasures(store: &MongoStore) {
    let (ann, erasure) = (Id::whole("ann"), erasure(0, &["ann"]));
    store.erasure_key().await.unwrap();
    store.see_instance(erasure.id, at(0), at(0)).await.unwrap();
    store.instances().await.unwrap();
    store.lose_instance(erasure.id).await.unwrap();
    store.block(&[hash(1)]).await.unwrap();
    store.blocked().await.unwrap();
    store.unblock(hash(1)).await.unwrap();
    store.add_erasure(&erasure).await.unwrap();
    store.erasure(erasure.id).await.unwrap();
    store.running_erasures().await.unwrap();
    store.count_erased(erasure.id, Place::Events, 1).await.unwrap();
    store.end_part(erasure.id, erasure.id, at(1)).await.unwrap();
    store.forget_names(erasure.id).await.unwrap();
    store.end_erasure(erasure.id, &[], at(2)).await.unwrap();
    store.erasures_without(erasure.id, at(0)).await.unwrap();
    store.stored_traces(&ann, 10).await.unwrap();
    store.letter_traces(&ann, 10).await.unwrap();
    store.remove_events(&[event_id(0)]).await.unwrap();
    let strays =
        store.stray_outcomes(&[ann], at(0), (&Retention::of_all(None), at(0)), 10).await.unwrap();
    assert_eq!(store.remove_outcomes(&strays).await.unwrap(), 2);
    assert_eq!(store.remove_people(&["ann"]).await.unwrap(), 1);
    assert_eq!(store.remove_sessions(&["s"], "ann").await.unwrap(), 1);
    assert_eq!(store.rename_subject("ann", "erased:1").await.unwrap(), 1);
    store.replace_document(NAME, &document(1, 1)).await.unwrap();
    store.remove_command(erasure.id).await.unwrap();
    store.unpublish(NAME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_uri_says_of_members_and_concerns_changes_nothing() {
    let set = ReplicaSet::start(2).await;
    for member in set.members() {
        log_all(member).await;
    }
    let admin = Client::with_uri_str(set.uri("shop")).await.unwrap();
    let trail = admin.database("shop").collection::<Document>("audit");
    // Nobody has defined the custom one: a write that named it would fail.
    for w in ["1", "custom"] {
        let options = format!("&readPreference=secondary&readConcernLevel=local&w={w}");
        let uri = set.uri("shop") + &options;
        let settings = MongoSettings { retention: Retention::of_all(Some(DAY)), ..SETTINGS };
        let store = MongoStore::connect(&uri, &settings).await.unwrap();
        if w == "1" {
            store.add_processor(&processor(NAME)).await.unwrap();
        }
        call_all(&store).await;
        call_about_people(&store).await;
        trail.insert_one(doc! { "subject": "ann" }).await.unwrap();
        call_about_erasures(&store).await;
        store.close().await;
    }
    admin.shutdown().await;

    let primary = set.primary().await.address();
    let mut seen = BTreeSet::new();
    for member in set.members() {
        for Logged { name, collection, command } in commands(member) {
            assert_eq!(member.address(), primary, "{command}");
            if READS.contains(&name) {
                let concern = &command["readConcern"];
                assert_eq!(concern["level"], "majority", "{command}");
                assert!(concern["afterClusterTime"].is_object(), "{command}");
            } else {
                let concern = &command["writeConcern"];
                assert_eq!(concern["w"], "majority", "{command}");
                assert_eq!(concern["j"], true, "{command}");
            }
            seen.insert(format!("{name} {collection}"));
        }
    }
    let expected = [
        "aggregate people",
        "aggregate processedEvents",
        "aggregate processorCommands",
        "delete blockedIds",
        "delete events",
        "delete feed.default",
        "delete parked.default",
        "delete people",
        "delete processorCommands",
        "delete processedEvents",
        "delete processorStates",
        "delete processors",
        "delete userSessions",
        "drop feed.default",
        "drop parked.default",
        "find audit",
        "find blockedIds",
        "find deadLetters",
        "find erasures",
        "find events",
        "find feed.default",
        "find installation",
        "find instances",
        "find parked.default",
        "find people",
        "find processedEvents",
        "find processorCommands",
        "find processorStates",
        "find processors",
        "find userSessions",
        "insert blockedIds",
        "insert erasures",
        "insert feed.default",
        "insert people",
        "insert processedEvents",
        "insert processorCommands",
        "insert processors",
        "insert userSessions",
        "update audit",
        "update erasures",
        "update feed.default",
        "update installation",
        "update instances",
        "update parked.default",
        "update people",
        "update processedEvents",
        "update processorCommands",
        "update processorStates",
        "update processors",
        "update userSessions",
    ];
    assert_eq!(seen, expected.map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_waits_for_what_earlier_calls_have_seen() {
    let set = ReplicaSet::start(1).await;
    log_all(&set.members()[0]).await;
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS).await.unwrap();
    let admin = Client::with_uri_str(set.uri("shop")).await.unwrap();
    for number in 1..4 {
        store.append(NAME, &document(1, number)).await.unwrap();
        store.parked(NAME).await.unwrap();
        store.processors().await.unwrap();
        // What another one writes moves the cluster's time too.
        let other = doc! { "insert": "others", "documents": [{ "number": number as i64 }] };
        admin.database("shop").run_command(other).await.unwrap();
    }
    let commands = commands(&set.members()[0]);
    let times: Vec<_> = commands
        .iter()
        .filter(|logged| logged.name == "find")
        .map(|logged| {
            let time = &logged.command["readConcern"]["afterClusterTime"]["$timestamp"];
            (time["t"].as_u64().unwrap(), time["i"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(times.len(), 6);
    assert!(times.is_sorted(), "{times:?}");
    // Each append moved it.
    assert!(times[1] < times[2] && times[3] < times[4], "{times:?}");
    store.close().await;
    admin.shutdown().await;
}
