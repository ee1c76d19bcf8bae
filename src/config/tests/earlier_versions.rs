//! That a setting of an earlier version is told.

use super::*;

/// A service that passed one over would run with other limits than its owner
/// believes.
#[test]
fn settings_of_earlier_versions_stop_the_start_with_what_takes_their_place() {
    let file =
        SettingsFile::new("journal = \"on\"\n[spill]\nmax_bytes = 1000\n[flush]\nlanes = 3\n");
    let found = file.mistakes();
    assert_eq!(
        found,
        [
            "flush.lanes (file FILE): this setting has gone; use write.in_flight",
            "journal (file FILE): this setting has gone; the journal is always kept; \
             journal.sync = \"never\" leaves out its syncs",
            "spill.max_bytes (file FILE): this setting has gone; raise backlog.max_events and \
             backlog.max_bytes, and journal.max_bytes to twice that",
        ]
    );
    assert_eq!(
        messages(Settings::with([("buffer.max_events", "10")])),
        ["buffer.max_events (flag --set): this setting has gone; use backlog.max_events"]
    );
    assert_eq!(
        messages(from_environment(&[("HTTP_BODY_TIMEOUT_MS", "5")])),
        ["http.body_timeout_ms (environment HTTP_BODY_TIMEOUT_MS): this setting has gone; use \
             http.receive_timeout_ms, which is for head and body"]
    );
    let environment = Environment::from_pairs([
        ("FLUSH_MAX_WAIT_MS", "10"),
        ("JOURNAL", "off"),
        ("SPILL_MAX_BYTES", ""),
    ])
    .with_dot_env("BUFFER_MAX_BYTES=5\n");
    let errors = Settings::load_from(&Overrides::default(), &environment).unwrap_err();
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "journal (environment JOURNAL): this setting has gone; the journal is always kept; \
             journal.sync = \"never\" leaves out its syncs",
            "buffer.max_bytes (.env BUFFER_MAX_BYTES): this setting has gone; use \
             backlog.max_bytes",
            "flush.max_wait_ms (environment FLUSH_MAX_WAIT_MS): this setting has gone; use \
             write.max_wait_ms",
        ]
    );
}

#[test]
fn no_setting_has_gone_that_is_there() {
    let catalog = Catalog::compiled_in().unwrap();
    for path in gone::paths() {
        assert!(catalog.setting(path).is_none(), "{path}");
    }
}
