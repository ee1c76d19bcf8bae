//! That what is tagged `reloadable` is put in force, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;

use parking_lot::Mutex as PlainMutex;
use tempfile::TempDir;
use trailkeep_event::time::{Clock, SystemClock};
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore};
use trailkeep_store::{Retention, Timeouts};

use super::*;
use crate::app::access;
use crate::app::stores::Stores;
use crate::config::{Entry, Environment, Overrides};
use crate::http::budget::Size;

/// Other values of the settings that are no numbers, or have their largest one.
const OTHERS: [(&str, &str); 34] = [
    ("http.host", "\"::1\""),
    ("http.allowed_origins", "[\"https://shop.example\"]"),
    ("http.api_docs", "false"),
    ("http.tracker_path", "\"/trail.js\""),
    ("access.open_sign_up", "true"),
    ("access.secure_cookie", "\"always\""),
    ("access.write_keys", "[\"shop:wk-9f8e7d6c5b4a3210\"]"),
    ("access.trusted_proxies", "[\"10.0.0.0/8\"]"),
    ("events.types", "[\"visit\"]"),
    ("events.default_user", "\"nobody\""),
    ("events.keep", "[\"address\"]"),
    ("events.drop_keys", "[\"email\"]"),
    ("events.hash_keys", "[\"email\"]"),
    ("wires.segment", "false"),
    ("wires.posthog", "false"),
    ("wires.posthog_unwanted", "[\"$snapshot\"]"),
    ("journal.sync", "\"never\""),
    ("store.mongodb_uri", "\"mongodb://db.example/shop\""),
    ("store.data_dir", "\"./elsewhere\""),
    ("store.retention_days_by_type", "[\"visit=7\"]"),
    ("search.payload_keys", "[\"orderId\"]"),
    ("processors.default.url", "\"http://localhost:3001\""),
    ("log.level", "\"warn\""),
    ("log.format", "\"json\""),
    ("backlog.max_share_per_key", "50"),
    ("processors.default.types", "[\"visit\"]"),
    ("processors.default.after_dead_letter", "\"hold\""),
    ("processors.default.from", "\"beginning\""),
    ("processors.default.secrets", "[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]"),
    ("processors.default.headers", "[\"Authorization: Bearer 5b\"]"),
    ("processors.default.authorities_file", "\"authorities.pem\""),
    ("processors.default.user_field", "\"user\""),
    ("processors.default.payload_field", "\"data\""),
    ("processors.default.time_field", "\"at\""),
];

/// A file that gives a setting another value than its default.
fn with_another(entry: &Entry) -> Option<String> {
    let (section, key) = entry.path.rsplit_once('.').unwrap();
    let other = OTHERS.iter().find(|(path, _)| *path == entry.path).map(|(_, other)| *other);
    let one_more = || entry.value.parse::<i64>().ok().map(|number| (number + 1).to_string());
    let other = other.map(str::to_owned).or_else(one_more)?;
    Some(format!("[{section}]\n{key} = {other}\n"))
}

/// What is in force, and what reads it again.
struct World {
    folder: TempDir,
    reloader: Reloader,
    level: Arc<PlainMutex<String>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trailkeep.toml");
        fs::write(&file, "").unwrap();
        let overrides = Overrides::default().file(&file);
        let read = move || Settings::load_from(&overrides, &Environment::default());
        let loaded = read().unwrap();
        let level = Arc::new(PlainMutex::new(loaded.settings.log.level.clone()));
        let set = {
            let level = Arc::clone(&level);
            LogLevel::new(move |filter| {
                *level.lock() = filter.to_string();
                Ok(())
            })
        };
        let access = guards(&loaded.settings, &folder);
        let parts = Parts {
            read: Arc::new(read),
            level: set,
            in_force: Arc::new(InForce::new(terms(&loaded.settings, None))),
            bodies: Budget::new(memory::bodies(&loaded.settings)),
            access: Arc::new(access),
            loaded: Mutex::new(loaded),
        };
        Self { folder, reloader: Reloader::new(parts), level }
    }

    /// All that requests and the log go by, as text.
    fn in_force(&self) -> String {
        let mut text = format!("{:#?}", self.reloader.0.in_force.terms());
        write!(text, "{} {}", self.bodies(), self.level.lock()).unwrap();
        text
    }

    /// The memory of all bodies.
    fn bodies(&self) -> usize {
        self.reloader.0.bodies.most(Size::Small)
    }

    async fn reload(&self, file: &str) -> Result<Reloaded, NotReloaded> {
        fs::write(self.folder.path().join("trailkeep.toml"), file).unwrap();
        self.reloader.reload(Actor::shell()).await
    }
}

fn guards(settings: &Settings, folder: &TempDir) -> Access {
    let limit = std::time::Duration::from_secs(10);
    let timeouts = Timeouts { read: limit, write: limit, check: limit, prepare: limit };
    let of_store = EmbeddedSettings { retention: Retention::default(), timeouts };
    let stores = Stores::of(EmbeddedStore::open(folder.path(), &of_store).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    access::access(settings, &stores, &clock).unwrap().0
}

#[tokio::test]
async fn each_setting_that_is_tagged_is_put_in_force_and_no_other_is() {
    let world = World::new();
    let at_the_start = world.in_force();
    let entries = world.reloader.0.loaded.lock().await.entries.clone();
    let mut put_in_force = 0;
    for entry in entries {
        let path = &entry.path;
        let file = with_another(&entry).unwrap_or_else(|| panic!("no other value of {path}"));
        let reloaded = world.reload(&file).await;
        let Reloaded { changed, needs_restart } =
            reloaded.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let in_force = world.in_force();
        if entry.is_reloadable {
            assert_eq!((changed, needs_restart), (vec![path.clone()], vec![]));
            assert_ne!(in_force, at_the_start, "{path} is tagged, and not put in force");
            put_in_force += 1;
        } else {
            assert_eq!((changed, needs_restart), (vec![], vec![path.clone()]));
            assert_eq!(in_force, at_the_start, "{path} is put in force, and not tagged");
        }
        world.reload("").await.unwrap();
        assert_eq!(world.in_force(), at_the_start, "{path} is not put back");
    }
    assert!(put_in_force > 10, "{put_in_force}");
}

#[tokio::test]
async fn with_any_mistake_nothing_changes_and_each_is_told() {
    let world = World::new();
    let at_the_start = world.in_force();
    let file = "[log]\nlevel = \"inof\"\n[events]\ntypes = [\"visit\"]\nmax_per_request = 0\n";
    let NotReloaded::Wrong(faults) = world.reload(file).await.unwrap_err() else {
        panic!("it is their mistake");
    };
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_ref()).collect();
    assert_eq!(fields, ["events.max_per_request", "log.level"]);
    assert_eq!(world.in_force(), at_the_start);
    let right = "[log]\nlevel = \"warn\"\n";
    assert_eq!(world.reload(right).await.unwrap().changed, ["log.level"]);
}

/// The bodies that may be read at once have room by what one may have.
#[tokio::test]
async fn the_memory_of_bodies_follows_the_largest_of_them() {
    let world = World::new();
    let usual = world.bodies();
    world.reload("[http]\nmax_body_bytes = 33554432\n").await.unwrap();
    assert_eq!(world.bodies(), 16 * 33_554_432);
    world.reload("").await.unwrap();
    assert_eq!(world.bodies(), usual);
}
