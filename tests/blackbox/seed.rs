//! `trailkeep seed`: exactly the events that were asked for, in either store or
//! through a service, once each, whatever comes between.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bson::doc;
use mongodb::Client;
use rusqlite::OpenFlags;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::service::Service;
use crate::watchdog::Watchdog;

const UNTIL: &str = "2025-12-15T10:30:00Z";

/// A debug build makes and stores a few thousand events a second, and tests beside it share
/// its cores.
const LIMIT: Duration = Duration::from_secs(90);

on_both_stores!(
    a_seed_is_stored_to_the_event_and_only_once,
    an_interrupted_seed_says_what_it_wrote_and_is_taken_up_by_repeating_it,
    a_service_with_a_small_buffer_takes_all_events_in_the_end,
    a_folder_that_a_service_uses_is_seeded_through_that_service,
);

/// `trailkeep seed` under way. Killed when it is dropped before its end.
struct Seed {
    child: Child,
    _watchdog: Watchdog,
}

/// How it ended, and what it said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Seed {
    fn start(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = home.shell("seed");
        command
            .args(arguments)
            // Where nothing listens, unless a test says otherwise.
            .env("PORT", "1")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("the binary");
        let _watchdog = Watchdog::over(&child, home.folder());
        Self { child, _watchdog }
    }

    fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    async fn end(mut self) -> Said {
        let status = eventually("the seed ends", Duration::from_secs(120), || {
            std::future::ready(self.child.try_wait().expect("a child"))
        })
        .await;
        let mut said = Said { code: status.code(), out: String::new(), err: String::new() };
        let (mut out, mut err) = (self.child.stdout.take(), self.child.stderr.take());
        out.as_mut().expect("a pipe").read_to_string(&mut said.out).expect("text");
        err.as_mut().expect("a pipe").read_to_string(&mut said.err).expect("text");
        said
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn seed(home: &Home, arguments: &[&str]) -> Said {
    Seed::start(home, arguments, &[]).end().await
}

impl Said {
    #[track_caller]
    fn expect(self, code: i32, word: &str) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.code, Some(code), "{out}{err}");
        assert!(out.contains(word) || err.contains(word), "no {word:?} in\n{out}{err}");
        self
    }

    /// The number before a word that the summary has only where it is not 0.
    fn number_if_any(&self, word: &str) -> u64 {
        if self.out.contains(&format!(" {word}")) { self.number(word) } else { 0 }
    }

    /// The number before a word of the summary.
    fn number(&self, word: &str) -> u64 {
        let (before, _) = self.out.split_once(&format!(" {word}")).expect(word);
        let digits = before.rsplit([' ', '\n']).next().expect("a number");
        digits.replace(',', "").parse().expect(digits)
    }
}

/// How many events there are, as soon as there is a collection or a table.
async fn stored_so_far(home: &Home) -> Option<u64> {
    if home.mongodb_uri().is_some() {
        return Some(home.stored().await);
    }
    let file = home.folder().join("trailkeep.db");
    let database = rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let count = "SELECT count(*) FROM events";
    let count: Option<i64> = database.ok()?.query_row(count, [], |row| row.get(0)).ok();
    count.and_then(|count| u64::try_from(count).ok())
}

async fn wait_until_some_are_stored(home: &Home) {
    eventually("the first events are stored", LIMIT, || async {
        stored_so_far(home).await.filter(|stored| *stored > 0)
    })
    .await;
}

async fn a_seed_is_stored_to_the_event_and_only_once(home: Home) {
    let arguments = ["20000", "--seed", "7", "--until", UNTIL];
    seed(&home, &arguments).await.expect(0, "20,000 stored, 0 there before, 0 dead letters");
    assert_eq!(home.stored().await, 20_000);

    seed(&home, &arguments).await.expect(0, "0 stored, 20,000 there before, 0 dead letters");
    assert_eq!(home.stored().await, 20_000);

    // Odd numbers, several writes in flight, another seed: nothing falls between.
    seed(&home, &["1234", "--batch", "100", "--in-flight", "8", "--seed", "8"])
        .await
        .expect(0, "1,234 stored");
    assert_eq!(home.stored().await, 21_234);
}

async fn an_interrupted_seed_says_what_it_wrote_and_is_taken_up_by_repeating_it(home: Home) {
    let endless = ["2000000000", "--batch", "100", "--until", UNTIL];
    let running = Seed::start(&home, &endless, &[]);
    wait_until_some_are_stored(&home).await;
    running.signal("INT");
    let said = running.end().await.expect(130, "stopped by SIGINT");
    assert_eq!(said.number("stored,"), home.stored().await);

    let before = home.stored().await;
    let running = Seed::start(&home, &endless, &[]);
    eventually("more events are stored", SOON, || async {
        stored_so_far(&home).await.filter(|stored| *stored > before)
    })
    .await;
    running.signal("TERM");
    let again = running.end().await.expect(143, "stopped by SIGTERM");
    assert!(again.number("there before") >= 100);
    assert_eq!(before + again.number("stored,"), home.stored().await);
}

async fn a_service_with_a_small_buffer_takes_all_events_in_the_end(home: Home) {
    let settings =
        [("BACKLOG_MAX_EVENTS", "1000"), ("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210")];
    let service = Service::start_with(&home, &settings).await;
    let url = service.url("");
    let arguments = ["8000", "--until", UNTIL, "--via-http", &url];

    seed(&home, &arguments)
        .await
        .expect(1, "the service answers 401 Unauthorized")
        .expect(1, "TRAILKEEP_WRITE_KEY");
    assert_eq!(home.stored().await, 0);

    let key = [("TRAILKEEP_WRITE_KEY", "wk-9f8e7d6c5b4a3210")];
    let said = Seed::start(&home, &arguments, &key).end().await;
    said.expect(0, "8,000 accepted");
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 8_000);

    // What was sent once is stored once, however it comes again.
    service.terminate().await;
    seed(&home, &arguments[..3]).await.expect(0, "0 stored, 8,000 there before");
}

#[tokio::test]
async fn a_seed_goes_on_after_its_database_was_killed_and_loses_nothing() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let arguments = ["2000000000", "--batch", "500", "--until", UNTIL];
    let running = Seed::start(&home, &arguments, &[]);
    wait_until_some_are_stored(&home).await;
    server.kill();
    server.restart();
    let enough = home.stored().await + 20_000;
    eventually("many more events are stored", LIMIT, || async {
        stored_so_far(&home).await.filter(|stored| *stored > enough)
    })
    .await;
    running.signal("INT");
    let said = running.end().await.expect(130, "stopped by SIGINT");
    let said = said.expect(130, "trying again");
    // A write whose answer was lost is found when it is repeated, or is given up
    // by the stop while it waits for that.
    let known = said.number("stored,")
        + said.number("there before")
        + said.number_if_any("found there when a write was repeated");
    let given_up = said.number_if_any("given up");
    assert!((known..=known + given_up).contains(&home.stored().await));
}

#[tokio::test]
async fn what_a_stopped_seed_could_not_store_is_in_the_journal_for_the_next_start() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let arguments = ["2000000000", "--batch", "500", "--until", UNTIL];
    let impatient = [("SHUTDOWN_GRACE_MS", "1000")];
    let running = Seed::start(&home, &arguments, &impatient);
    wait_until_some_are_stored(&home).await;
    server.kill();
    running.signal("INT");
    let said = running.end().await.expect(130, "stopped by SIGINT");
    let (stored, left) = (said.number("stored,"), said.number("left in the journal"));
    assert!(left > 0);

    server.restart();
    // It recovers before it answers, which the seed does not wait for.
    wait_until_some_are_stored(&home).await;
    let said = seed(&home, &["1", "--until", UNTIL]).await;
    let said = said.expect(0, "of them were left in the journal before");
    // What was stored behind an event that was not comes back too.
    assert!(said.number("of them were left") >= left);
    let all = home.stored().await;
    assert!((stored + 1..=stored + left + 1).contains(&all), "{all}");
}

/// Has the database write nothing any more, and waits until it is asked to.
async fn until_a_write_waits(home: &Home) {
    let uri = home.mongodb_uri().expect("a home on MongoDB");
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let admin = client.database("admin");
    let lock = doc! { "fsync": 1, "lock": true };
    admin.run_command(lock).await.expect("a lock");
    let waiting = doc! { "currentOp": 1, "op": "insert", "waitingForLock": true };
    eventually("a write waits", SOON, || async {
        let found = admin.run_command(waiting.clone()).await.ok()?;
        let writes = found.get_array("inprog").ok()?;
        (!writes.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_second_signal_ends_a_seed_whose_database_says_nothing() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let mut running = Seed::start(&home, &["2000000000", "--until", UNTIL], &[]);
    wait_until_some_are_stored(&home).await;
    until_a_write_waits(&home).await;
    server.pause();
    // What follows too soon counts as the same signal once more.
    eventually("the seed ends", SOON, || {
        running.signal("INT");
        std::future::ready(running.child.try_wait().expect("a child"))
    })
    .await;
    server.resume();
    running.end().await.expect(130, "ended at once by a second SIGINT");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_events_in_another_place() {
    let (one, other) = (Home::embedded(), Home::embedded());
    for home in [&one, &other] {
        seed(home, &["5000", "--until", UNTIL]).await.expect(0, "5,000 stored");
    }
    let contents = |home: &Home| -> Vec<String> {
        let database = home.sqlite();
        let query = "SELECT hex(id) || user_id || event_id || type || session_id || account_id \
                     || payload || occurred_at FROM events ORDER BY id";
        let mut rows = database.prepare(query).expect("a query");
        let rows = rows.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    };
    let content = contents(&one);
    assert_eq!(content.len(), 5_000);
    assert!(content == contents(&other));
}

async fn a_folder_that_a_service_uses_is_seeded_through_that_service(home: Home) {
    let settings = [("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210")];
    let service = Service::start_with(&home, &settings).await;
    let said = seed(&home, &["1500", "--batch", "10", "--in-flight", "64"])
        .await
        .expect(0, "another process has the data folder")
        .expect(0, "control.sock")
        .expect(0, "1,500 accepted");
    assert!(!said.out.contains("--via-http"), "{}", said.out);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 1_500);
    assert_eq!(service.terminate().await.code, Some(0));

    // Without a socket it is looked for where the settings say that it listens.
    std::fs::create_dir(home.folder().join("control.sock")).expect("our folder");
    let service = Service::start(&home).await;
    let port = service.address().port().to_string();
    Seed::start(&home, &["2000", "--seed", "7"], &[("PORT", &port)])
        .end()
        .await
        .expect(0, "another process has the data folder")
        .expect(0, "2,000 accepted")
        .expect(0, "--via-http http://127.0.0.1:");
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 3_500);

    seed(&home, &["10"])
        .await
        .expect(1, "if it listens elsewhere, name that with --via-http")
        .expect(1, "cannot reach http://127.0.0.1:1/events: Connection refused")
        .expect(1, "to go on: trailkeep seed 10 --seed 1 --until");
    assert_eq!(service.terminate().await.code, Some(0));
}
