use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rusqlite::Connection;

use super::*;
use crate::dead_letters::{DeadLetter, DeadLetterStore as _};
use crate::embedded::{folder::DATABASE, schema};
use crate::erasures::ErasureStore as _;
use crate::payloads::{PayloadKey, PayloadStore as _};
use crate::people::{PeopleStore as _, Person, SessionUser};
use crate::processing::{Processed, ProcessedEvent, ProcessedState, ProcessingStore as _};
use crate::{Reason, Refusal};

/// Part of all that is said of users who are to be erased, and of nobody else.
const MARKER: &str = "qzxmarkerqzx";

const OTHERS: i64 = 400;

/// Events of users in random order among those of many others, and then more of these, so
/// that pages are split while they hold some of both.
fn mixed(gone: &[String]) -> Vec<Arc<Accepted>> {
    let mut random = StdRng::seed_from_u64(7);
    let of_others = |numbers: std::ops::Range<i64>| {
        numbers.flat_map(|number| (0..OTHERS).map(move |other| event(&user_of(other), number)))
    };
    let mut first: Vec<_> = of_others(0..20).collect();
    first.extend(gone.iter().flat_map(|user| (0..60).map(|number| marked(user, number))));
    first.shuffle(&mut random);
    let mut then: Vec<_> = of_others(20..60).collect();
    then.shuffle(&mut random);
    first.extend(then);
    first
}

fn user_of(number: i64) -> String {
    format!("{:08x}-user-{}", number * 0x0123_4567 % 0x7fff_ffff, "long".repeat(40))
}

/// An event that says in each of its texts whose it is.
fn marked(user: &str, number: i64) -> Arc<Accepted> {
    let event =
        event_with(user, number, &format!(r#"{{"{MARKER}":[1,2],"note":"{MARKER} {number}"}}"#));
    let Accepted { event, arrival } = Accepted::clone(&event);
    let text = |name: &str| Some(format!("{name}-{MARKER}-{number}").into());
    Arc::new(Accepted {
        event: Event {
            kind: format!("type-{MARKER}").into(),
            anonymous_id: text("anonymous"),
            session_id: text("session"),
            account_id: text("account"),
            ..event
        },
        arrival,
    })
}

fn outcome_of(accepted: &Accepted) -> Processed {
    let Accepted { event, arrival } = accepted;
    Processed {
        id: event.id,
        run: 0,
        event: Some(ProcessedEvent {
            event_id: event.event_id.clone(),
            user_id: event.user_id.clone(),
            kind: event.kind.clone(),
            occurred_at: event.occurred_at,
            received_at: event.received_at,
        }),
        arrival: *arrival,
        state: ProcessedState::Failed,
        processed_at: event.received_at,
        duration_ms: 1,
        waited_ms: 1,
        attempts: 1,
        http_status: Some(200),
        result: Some(event.payload.clone()),
        error: Some(event.kind.clone()),
    }
}

fn letter_of(accepted: &Arc<Accepted>) -> DeadLetter {
    let moment = accepted.event.received_at;
    DeadLetter {
        accepted: accepted.clone(),
        refusal: Refusal::new(Reason::Validation, &*accepted.event.kind),
        set_aside_at: moment,
        tried_at: moment,
        tries: 1,
    }
}

fn person_of(user: &str) -> Person {
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 32 };
    let traits = format!(r#"{{"email":"{user}@example.com","name":"{user} Dyck"}}"#);
    let traits = Payload::from_json(traits.as_bytes(), limits).unwrap();
    Person::new(user)
        .seen_at(Timestamp::from_millis(NOON).unwrap())
        .identified(&traits, Arrival::from_i64(1))
}

/// How often the marker is in a file of the folder.
fn remnants(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).unwrap();
    let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let count = |bytes: Vec<u8>| {
        bytes.windows(MARKER.len()).filter(|bytes| *bytes == MARKER.as_bytes()).count()
    };
    bytes.map(count).sum()
}

async fn fill(store: &EmbeddedStore, gone: &[String]) {
    let events = mixed(gone);
    assert!(events.len() > 20_000);
    store.index_payloads(&[PayloadKey::new("note").unwrap()]).await.unwrap();
    for some in events.chunks(500) {
        store.insert(some).await.unwrap();
        // Each fifth has an outcome, in the same mixture.
        let outcomes = some.iter().step_by(5).map(|accepted| outcome_of(accepted));
        store.record("default", &outcomes.collect::<Vec<_>>()).await.unwrap();
        let letters: Vec<_> = some.iter().step_by(50).map(letter_of).collect();
        store.put(&letters).await.unwrap();
    }
    let others: Vec<_> = (0..OTHERS).map(user_of).collect();
    let mut people: Vec<_> = others.iter().chain(gone).map(|user| person_of(user)).collect();
    people.shuffle(&mut StdRng::seed_from_u64(8));
    for some in people.chunks(50) {
        store.merge_in(some).await.unwrap();
    }
    for user in gone {
        let sessions = (0..60).map(|number| SessionUser {
            session_id: format!("session-{MARKER}-{number}").into(),
            since: Arrival::from_i64(number),
            user_id: user.as_str().into(),
        });
        store.note_sessions(&sessions.collect::<Vec<_>>()).await.unwrap();
    }
}

async fn remove(store: &EmbeddedStore, user: &str) {
    let id = Id::whole(user);
    loop {
        let traces = store.stored_traces(&id, 1_000).await.unwrap();
        if traces.is_empty() {
            break;
        }
        let sessions: Vec<_> = traces.iter().filter_map(|trace| trace.session_id.clone()).collect();
        let sessions: Vec<&str> = sessions.iter().map(|session| &**session).collect();
        store.remove_sessions(&sessions, user).await.unwrap();
        let ids: Vec<_> = traces.iter().map(|trace| trace.id).collect();
        store.remove_outcomes(&ids).await.unwrap();
        assert_eq!(store.remove_events(&ids).await.unwrap(), ids.len() as u64);
    }
    let letters = store.letter_traces(&id, 1_000).await.unwrap();
    store.remove(&letters.iter().map(|trace| trace.id).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(store.remove_people(&[user]).await.unwrap(), 1);
}

fn check(folder: &Path) -> String {
    let file = Connection::open(folder.join(DATABASE)).unwrap();
    file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// Writes the marker into all the space between pointers and cells of each page, where moved
/// cells leave their copies.
fn plant(connection: &Connection) {
    let mut pages = connection.prepare("SELECT pgno, data FROM sqlite_dbpage").unwrap();
    let pages = pages.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let pages: Vec<(i64, Vec<u8>)> = pages.map(|page| page.unwrap()).collect();
    for (number, mut page) in pages {
        let header = if number == 1 { 100 } else { 0 };
        let two = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        let pointers = match page[header] {
            2 | 5 => header + 12,
            10 | 13 => header + 8,
            _ => continue,
        };
        let space = pointers + 2 * two(header + 3)..two(header + 5);
        for place in page[space].chunks_exact_mut(MARKER.len()) {
            place.copy_from_slice(MARKER.as_bytes());
        }
        let row = rusqlite::params![number, page];
        let write = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1";
        connection.execute(write, row).unwrap();
    }
}

/// SQLite itself leaves a few: in mixtures like this one the marker stood in up to 15 places
/// that hold nothing. More are put where it would leave them.
#[tokio::test]
async fn nothing_of_who_was_erased_is_in_any_byte_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut random = StdRng::seed_from_u64(9);
    let gone: Vec<_> = (0..40)
        .map(|_| format!("{:08x}-{}", random.random::<u32>() >> 1, MARKER.repeat(12)))
        .collect();
    fill(&store, &gone).await;
    let stays = user_of(OTHERS / 2);
    let journey = store.journey(&whole(&stays), 1_000).await.unwrap();
    assert_eq!(journey.events.len(), 60);
    assert!(remnants(folder.path()) > 20_000);

    for user in &gone {
        remove(&store, user).await;
    }
    store.writer.run(plant);
    store.writer.empty_wal().await.unwrap();
    assert!(remnants(folder.path()) > 20_000);
    store.scrub().await.unwrap();
    assert_eq!(remnants(folder.path()), 0);
    for user in &gone {
        assert_eq!(count(&store, user).await, 0);
    }
    assert_eq!(store.journey(&whole(&stays), 1_000).await.unwrap(), journey);
    assert_eq!(check(folder.path()), "ok");
    // It may be done again.
    store.scrub().await.unwrap();
    assert_eq!(store.journey(&whole(&stays), 1_000).await.unwrap(), journey);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_write_while_the_file_is_scrubbed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let gone = vec![format!("0123-{MARKER}")];
    fill(&store, &gone).await;
    remove(&store, &gone[0]).await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..40 {
                let more: Vec<_> = (0..OTHERS / 4)
                    .map(|other| event(&user_of(other * 4), 1_000 + number))
                    .collect();
                store.insert(&more).await.unwrap();
            }
        }
    });
    store.scrub().await.unwrap();
    writing.await.unwrap();
    assert_eq!(count(&store, &user_of(4)).await, 100);
    assert_eq!(check(folder.path()), "ok");
    store.scrub().await.unwrap();
    assert_eq!(remnants(folder.path()), 0);
}

#[tokio::test]
async fn whoever_reads_all_the_time_keeps_the_log_from_being_emptied_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..10)).await.unwrap();
    let reader = Connection::open(folder.path().join(DATABASE)).unwrap();
    let reading = reader.unchecked_transaction().unwrap();
    let _: i64 = reading.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    store.insert(&events("u", 10..20)).await.unwrap();
    let error = store.scrub().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("somebody reads"), "{error}");
    drop(reading);
    store.scrub().await.unwrap();
    assert_eq!(wal_bytes(folder.path()), 0);
}

/// A person may have made one with `VACUUM`: some of its pages begin like those of a b-tree.
#[tokio::test]
async fn a_file_that_says_where_its_pages_are_is_scrubbed_too() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).close().await;
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = FULL; VACUUM").unwrap();
    drop(file);
    let store = open(folder.path());
    let gone = vec![format!("0123-{MARKER}"), format!("4567-{MARKER}")];
    fill(&store, &gone).await;
    for user in &gone {
        remove(&store, user).await;
    }
    store.scrub().await.unwrap();
    assert_eq!(remnants(folder.path()), 0);
    assert_eq!(check(folder.path()), "ok");
    assert_eq!(count(&store, &user_of(4)).await, 60);
}

/// Statements that run all the time, or over much, enter an index, and sort nothing.
#[tokio::test]
async fn what_is_erased_is_found_by_indexes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (answer, plans) = oneshot::channel();
    store.writer.run(|connection| {
        let plan = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
            let rows =
                statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
            rows.map(|row| row.unwrap()).collect()
        };
        let _ = answer.send(crate::embedded::erasures::statements().map(|sql| (sql, plan(sql))));
    });
    for (sql, plan) in plans.await.unwrap() {
        // All of the partial index, which has what is under way, is wanted.
        let is_walk = |step: &&String| {
            (step.starts_with("SCAN") && !step.contains("erasures_running"))
                || step.contains("TEMP")
        };
        assert_eq!(plan.iter().find(is_walk), None, "{sql}\n{plan:?}");
        assert!(plan.iter().any(|step| step.contains("INDEX")), "{sql}\n{plan:?}");
    }
}

#[tokio::test]
async fn a_file_that_knew_no_erasures_is_brought_up_to_date_and_keeps_its_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for step in &schema::MIGRATIONS[..13] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", 13).unwrap();
    let event = event("u", 1);
    file.execute(
        "INSERT INTO processed_events VALUES ('default', ?1, 0, 'e1', 'u', 'page_view', ?2, ?2, 1,
         'processed', ?2, 1, 1, 1, 200, NULL, NULL)",
        rusqlite::params![event.event.id.as_bytes(), NOON],
    )
    .unwrap();
    drop(file);

    let store = open(folder.path());
    let key = store.erasure_key().await.unwrap();
    assert_eq!(store.remove_outcomes(&[event.event.id]).await.unwrap(), 1);
    // As a crash leaves it.
    drop(store);
    assert!(open(folder.path()).erasure_key().await.unwrap() == key);
}
