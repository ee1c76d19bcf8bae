//! What a reload takes of settings that were read again.

use super::*;

fn load(pairs: &[(&str, &str)]) -> Loaded {
    let set =
        |overrides: Overrides, (path, value): &(&str, &str)| overrides.flag("--set", path, value);
    let overrides = pairs.iter().fold(Overrides::default(), set);
    Settings::load_from(&overrides, &Environment::default()).unwrap()
}

#[test]
fn what_is_reloadable_changes_and_all_else_is_as_at_the_start() {
    let start = load(&[("write.in_flight", "2"), ("events.types", "a")]);
    let read = load(&[("write.in_flight", "3"), ("events.types", "a,b"), ("log.level", "warn")]);
    let Reloaded { loaded, changed, needs_restart } = start.reloaded(&read).unwrap();
    assert_eq!(changed, ["events.types", "log.level"]);
    assert_eq!(needs_restart, ["write.in_flight"]);
    assert_eq!(loaded.settings.events.types, ["a", "b"]);
    assert_eq!(loaded.settings.log.level, "warn");
    assert_eq!(loaded.settings.write.in_flight, 2);
    assert_eq!(entry(&loaded, "log.level").value, "\"warn\"");
    assert_eq!(entry(&loaded, "write.in_flight").value, "2");

    // What needs a restart does so until there is one.
    let again = loaded.reloaded(&read).unwrap();
    assert!(again.changed.is_empty(), "{:?}", again.changed);
    assert_eq!(again.needs_restart, ["write.in_flight"]);
    let back = loaded.reloaded(&start).unwrap();
    assert_eq!(back.changed, ["events.types", "log.level"]);
    assert!(back.needs_restart.is_empty(), "{:?}", back.needs_restart);
    assert_eq!(back.loaded.settings, start.settings);
}

#[test]
fn a_value_that_comes_from_elsewhere_and_is_the_same_does_not_differ() {
    let start = load(&[]);
    let same = from_environment(&[("WRITE_IN_FLIGHT", "4"), ("LOG_LEVEL", "info")]).unwrap();
    let reloaded = start.reloaded(&same).unwrap();
    assert!(reloaded.changed.is_empty() && reloaded.needs_restart.is_empty(), "{reloaded:?}");
}

#[test]
fn a_secret_that_is_shown_as_before_differs_all_the_same() {
    let with = |secret: &str| {
        load(&[
            ("store.mongodb_uri", &format!("mongodb://ann:{secret}@db.example/shop")),
            ("access.write_keys", &format!("shop:{secret}-0123456789")),
        ])
    };
    let (start, read) = (with("hunter2"), with("hunter3"));
    let shown = |loaded: &Loaded| entry(loaded, "access.write_keys").value.clone();
    assert_eq!(shown(&start), shown(&read));
    let reloaded = start.reloaded(&read).unwrap();
    assert_eq!(reloaded.changed, ["access.write_keys"]);
    assert_eq!(reloaded.needs_restart, ["store.mongodb_uri"]);
    let [key] = &reloaded.loaded.settings.access.write_keys[..] else { panic!("one key") };
    assert_eq!(key.expose(), "hunter3-0123456789");
    let told = format!("{reloaded:?}{start:?}");
    assert!(!told.contains("hunter"), "{told}");
}

#[test]
fn a_processor_that_comes_or_goes_is_told_as_one() {
    let without = load(&[("processors.b.concurrency", "9")]);
    let with = load(&[
        ("processors.b.concurrency", "8"),
        ("processors.c.url", "http://localhost:1"),
        ("processors.c.concurrency", "7"),
    ]);
    let came = without.reloaded(&with).unwrap();
    assert_eq!(came.needs_restart, ["processors.b.concurrency", "processors.c"]);
    assert_eq!(came.loaded.settings, without.settings);
    let went = with.reloaded(&without).unwrap();
    assert_eq!(went.needs_restart, ["processors.b.concurrency", "processors.c"]);
    assert_eq!(went.loaded.settings, with.settings);
}

/// The file is right, and a start takes it. What would be in force without one is not.
#[test]
fn what_goes_together_only_with_what_needs_a_restart_is_refused() {
    let start = load(&[]);
    let read = load(&[
        ("backlog.max_events", "20000"),
        ("events.max_per_request", "10000"),
        ("log.level", "warn"),
    ]);
    let told = messages(start.reloaded(&read));
    assert_eq!(
        told,
        [
            "backlog.max_events = 5000 (default): must be at least events.max_per_request = 10000 \
             (flag --set), or a request of full size could never be accepted",
            "backlog.max_events: another value is given, which needs a restart; until then the one \
             in force counts, and what is given beside it does not go together with that",
        ]
    );
}

#[test]
fn the_data_folder_is_told_whatever_else_is_wrong() {
    let file = SettingsFile::new("[store]\ndata_dir = \"/srv/t\"\n[log]\nlevel = 3\n[no]\nx = 1\n");
    assert!(file.load().is_err());
    assert_eq!(Settings::data_dir(&file.overrides()).unwrap(), PathBuf::from("/srv/t"));
    let wrong = file.overrides().flag("--data-dir", "store.data_dir", "/srv/u");
    assert_eq!(Settings::data_dir(&wrong).unwrap(), PathBuf::from("/srv/u"));
}
