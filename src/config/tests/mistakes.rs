//! That a mistake is told with its setting, its value, where it came from and
//! what is allowed.

use super::*;

fn mistake(path: &str, value: &str) -> String {
    let all = messages(Settings::with([(path, value)]));
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

#[test]
fn a_word_for_a_number() {
    assert_eq!(
        messages(from_environment(&[("WRITE_MAX_EVENTS", "many")])),
        ["write.max_events = \"many\" (environment WRITE_MAX_EVENTS): \
             must be a whole number from 1 to 10000"]
    );
}

#[test]
fn a_number_out_of_its_range() {
    assert_eq!(
        messages(from_dot_env("WRITE_MAX_WAIT_MS=0\n")),
        ["write.max_wait_ms = 0 (.env WRITE_MAX_WAIT_MS): \
             must be a whole number of milliseconds from 1 to 600000"]
    );
    assert_eq!(
        mistake("http.port", "65536"),
        "http.port = 65536 (flag --set): must be a whole number from 0 to 65535"
    );
}

#[test]
fn every_number_has_a_range_and_says_it() {
    let catalog = Catalog::compiled_in().unwrap();
    let numbers = catalog.settings().filter(|setting| setting.default.is_integer());
    for path in numbers.map(|setting| setting.path.as_str()) {
        let rule = mistake(path, "-1");
        let words: Vec<&str> = rule.split(' ').collect();
        let [.., least, "to", most] = words[..] else { panic!("{rule}") };
        let [least, most]: [i64; 2] = [least, most].map(|number| number.parse().unwrap());
        for outside in [least - 1, most + 1] {
            let message = mistake(path, &outside.to_string());
            assert!(message.contains("must be a whole number"), "{message}");
        }
        for inside in [least, most] {
            if let Err(errors) = Settings::with([(path, inside.to_string().as_str())]) {
                let together = |error: &ConfigError| error.to_string().contains("must be at least");
                assert!(errors.iter().all(together), "{errors}");
            }
        }
    }
}

#[test]
fn values_of_the_wrong_type_in_a_file() {
    let file = SettingsFile::new(concat!(
        "[http]\nhost = 7\nallowed_origins = \"*\"\n",
        "[events]\ntypes = [1, \"a\"]\ndefault_user = 7\n",
        "[write]\nin_flight = 2.0\nmax_events = { at = 1 }\n",
    ));
    assert_eq!(
        file.mistakes(),
        [
            "http.host = 7 (file FILE): must be text in quotes",
            "http.allowed_origins = \"*\" (file FILE): \
             must be a list of texts, such as [\"a\", \"b\"]",
            "events.types = [1, \"a\"] (file FILE): \
             must be a list of texts, such as [\"a\", \"b\"]",
            "events.default_user = 7 (file FILE): must be text in quotes",
            "write.max_events = { at = 1 } (file FILE): must be a whole number from 1 to 10000",
            "write.in_flight = 2.0 (file FILE): must be a whole number from 1 to 64",
        ]
    );
}

#[test]
fn all_mistakes_of_all_layers_at_once() {
    let file = SettingsFile::new("[write]\nin_flight = 0\nin_fligh = 1\n");
    let environment = Environment::from_pairs([("LOG_FORMAT", "xml")]).with_dot_env("PORT=http\n");
    let overrides = file.overrides().flag("--host", "http.host", "a:1");
    let errors = Settings::load_from(&overrides, &environment).unwrap_err();
    let text = errors.to_string();
    assert_eq!(errors.iter().count(), 5, "{text}");
    assert_eq!(text.lines().count(), 5);
    for expected in [
        "write.in_fligh (file ",
        "write.in_flight = 0 (file ",
        "log.format = \"xml\" (environment LOG_FORMAT): must be \"text\" or \"json\"",
        "http.port = \"http\" (.env PORT): ",
        "http.host = \"a:1\" (flag --host): must be an IP address or a host name without a port",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn unknown_names_in_a_file_name_the_nearest_known_one() {
    let file = SettingsFile::new(concat!(
        "PORT = 3000\n",
        "in_flight = 3\n",
        "http = 1\n",
        "[write]\nmax_evnts = 5\nport = 1\n",
        "[writ]\nin_flight = 3\n",
        "[write.retry]\ntimes = 3\n",
        "[postgres]\nurl = \"secret\"\n",
    ));
    let mut found = file.mistakes();
    found.sort();
    let no_such = "there is no such setting";
    assert_eq!(
        found,
        [
            format!("PORT (file FILE): {no_such}; did you mean http.port?"),
            format!("[postgres] (file FILE): {no_such}"),
            format!("[writ] (file FILE): {no_such}; did you mean [write]?"),
            format!("[write.retry] (file FILE): {no_such}"),
            "http (file FILE): must be a section, [http], and not a value".to_owned(),
            format!("in_flight (file FILE): {no_such}; did you mean write.in_flight?"),
            format!("write.max_evnts (file FILE): {no_such}; did you mean write.max_events?"),
            format!("write.port (file FILE): {no_such}; did you mean http.port?"),
        ]
    );
}

#[test]
fn an_unknown_name_in_a_flag() {
    assert_eq!(
        mistake("write.in_fligh", "3"),
        "write.in_fligh (flag --set): there is no such setting; did you mean write.in_flight?"
    );
    assert_eq!(
        mistake("WRITE_IN_FLIGHT", "3"),
        "WRITE_IN_FLIGHT (flag --set): there is no such setting; did you mean write.in_flight?"
    );
}

#[test]
fn a_file_that_is_missing() {
    let overrides = Overrides::default().file("/nowhere/trailkeep.toml");
    let result = Settings::load_from(&overrides, &Environment::default());
    let all = messages(result);
    assert_eq!(all.len(), 1);
    assert!(all[0].starts_with("/nowhere/trailkeep.toml: cannot be read: "), "{all:?}");
}

#[test]
fn a_file_that_is_not_text() {
    let found = SettingsFile::new([0xff, 0xfe]).mistakes();
    assert_eq!(found, ["FILE: cannot be read: stream did not contain valid UTF-8"]);
}

#[test]
fn a_file_that_is_not_toml_is_told_by_line_without_quoting_it() {
    let file = SettingsFile::new("# head\n[store]\nmongodb_uri = mongodb://u:hunter2@db\n");
    let found = file.mistakes();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("FILE, line 3: not TOML: "), "{found:?}");
    assert!(!found[0].contains("hunter2"), "{found:?}");
}

#[test]
fn a_key_that_is_there_twice() {
    let found = SettingsFile::new("[write]\nin_flight = 1\nin_flight = 2\n").mistakes();
    assert_eq!(found, ["FILE, line 3: not TOML: duplicate key"]);
}

#[test]
fn a_wrong_line_in_dot_env_is_told_by_line_without_quoting_it() {
    let found =
        messages(from_dot_env("# head\nPORT=1\nMONGODB_URI: mongodb://u:hunter2@db\nPORT=x\n"));
    assert_eq!(
        found,
        [".env, line 3: must be NAME=value; a value with spaces, # or $ belongs in single quotes"]
    );
}

#[test]
fn while_a_layer_is_unreadable_values_are_not_compared() {
    let overrides = Overrides::default().file("/nowhere/trailkeep.toml").flag(
        "--set",
        "backlog.max_events",
        "10",
    );
    let result = Settings::load_from(&overrides, &Environment::default());
    assert_eq!(messages(result).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let value = OsString::from_vec(b"mongodb://u:hunter2\xff@db".to_vec());
    let environment = Environment::from_pairs([("MONGODB_URI", value)]);
    let result = Settings::load_from(&Overrides::default(), &environment);
    assert_eq!(
        messages(result),
        ["store.mongodb_uri (environment MONGODB_URI): must be UTF-8 text"]
    );
}

#[test]
fn values_that_do_not_go_together() {
    let cases = [
        (
            ("backlog.max_events", "600"),
            "backlog.max_events = 600 (flag --set): must be at least events.max_per_request = 1000 \
             (default), or a request of full size could never be accepted",
        ),
        (
            ("write.max_events", "6000"),
            "backlog.max_events = 5000 (default): must be at least write.max_events = 6000 \
             (flag --set), or a write could never be full",
        ),
        (
            ("http.max_body_bytes", "2048"),
            "http.max_body_bytes = 2048 (flag --set): must be at least events.max_payload_bytes \
             = 32768 (default), or a request of full size could never be accepted",
        ),
        (
            ("backlog.max_bytes", "65536"),
            "backlog.max_bytes = 65536 (flag --set): must be at least http.max_body_bytes \
             = 4194304 (default), or a request of full size could never be accepted",
        ),
        (
            ("journal.max_bytes", "67108864"),
            "journal.max_bytes = 67108864 (flag --set): must be at least twice backlog.max_bytes: \
             a batch that does not fit into the rest of a segment leaves that empty",
        ),
    ];
    for ((path, value), expected) in cases {
        assert_eq!(mistake(path, value), expected);
    }
}

/// Some are found by their tags, some by their fields.
#[test]
fn the_mistakes_of_all_settings_are_told_in_the_order_of_the_table() {
    let found = messages(from_environment(&[
        ("LOG_LEVEL", "inof"),
        ("WRITE_IN_FLIGHT", "0"),
        ("ACCESS_TRUSTED_PROXIES", "proxy"),
        ("HOST", "a:1"),
        ("HTTP_ALLOWED_ORIGINS", "shop"),
        ("PORT", "-1"),
        ("BACKLOG_MAX_EVENTS", "1"),
    ]));
    let paths: Vec<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        paths,
        [
            "http.host",
            "http.port",
            "http.allowed_origins",
            "access.trusted_proxies",
            "write.in_flight",
            "log.level",
            "backlog.max_events",
            "backlog.max_events",
        ],
        "{found:?}"
    );
}

#[test]
fn a_wrong_value_is_not_compared_as_well() {
    assert!(mistake("backlog.max_events", "0").contains("must be a whole number"));
}

#[test]
fn any_type_is_no_setting_any_more() {
    let file = SettingsFile::new("[events]\ntypes = [\"a\"]\nany_type = true\n");
    let mistakes = file.mistakes();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(
        mistakes[0].contains("any type is accepted where events.types is empty"),
        "{mistakes:?}"
    );
    assert!(SettingsFile::new("[events]\ntypes = []\n").load().is_ok());
}

#[test]
fn event_types_that_cannot_be() {
    assert_eq!(
        mistake("events.types", "a,b,a"),
        r#"events.types = ["a", "b", "a"] (flag --set): must name each once; "a" is there twice"#
    );
    for wrong in ["a,", "a\u{1}b", &"x".repeat(65)] {
        let message = mistake("events.types", wrong);
        assert!(message.contains("1 to 64 bytes"), "{message}");
    }
    assert!(Settings::with([("events.types", "x".repeat(64).as_str())]).is_ok());
}

#[test]
fn payload_keys_that_cannot_be() {
    let path = "search.payload_keys";
    for wrong in ["order.id", "$set", "a\"b", "a\\b", "a,", "a\u{1}b", &"x".repeat(65)] {
        let message = mistake(path, wrong);
        assert!(message.contains("must be a list of keys of 1 to 64 bytes"), "{message}");
    }
    assert_eq!(
        mistake(path, "orderId,orderid"),
        r#"search.payload_keys = ["orderId", "orderid"] (flag --set): must name each key once, in whatever case; "orderid" is there twice"#
    );
    let message = mistake(path, "a,b,c,d");
    assert!(message.contains("must have at most 3 keys"), "{message}");
    let settings = Settings::with([(path, "orderId, order number ,Nr")]).unwrap();
    assert_eq!(settings.search.payload_keys, ["orderId", "order number", "Nr"]);
}

#[test]
fn texts_that_cannot_be() {
    for (path, wrong) in [
        ("events.default_user", "   "),
        ("events.default_user", "a\u{0}"),
        ("events.default_user", &"x".repeat(257)),
        ("http.host", ""),
        ("http.host", "http://localhost"),
        ("http.host", "[::1]"),
        ("http.host", "0.0.0.0:80"),
        ("store.data_dir", ""),
        ("store.data_dir", " "),
        ("log.format", "JSON"),
        ("log.level", ""),
        ("log.level", "inof"),
        ("log.level", "info,trailkeep=loud"),
        ("log.level", "info,,warn"),
        ("log.level", "info "),
        ("log.level", " info"),
        ("log.level", "info, warn"),
        ("log.level", "info,trailkeep_store =debug"),
        ("log.level", "trailkeep[request]=debug"),
    ] {
        let message = mistake(path, wrong);
        assert!(message.contains("(flag --set): must be "), "{message}");
    }
}

#[test]
fn a_long_value_is_shortened() {
    let message = mistake("log.format", &"é".repeat(10_000));
    assert!(message.chars().count() < 300, "{message}");
    assert!(message.contains("éé... (flag --set)"), "{message}");
}

#[test]
fn a_password_is_in_no_message() {
    for uri in [
        "postgres://ann:hunter2@db",
        "ann:hunter2@db",
        "mongodb://ann:hunter2@db:port",
        "mongodb://ann:hunter2@db/?w=-1",
        "mongodb://ann:hunt/er2@db",
        "mongodb://ann:%zzhunter2@db",
        "mongodb+srv://ann:hunter2@a,b/?tlsCertificateKeyFilePassword=hunter2",
    ] {
        let message = mistake("store.mongodb_uri", uri);
        assert!(message.contains("ann:***@"), "{message}");
        assert!(!message.contains("er2"), "{message}");
    }
    for form in ["[URI]", "[[URI]]", "{ uri = URI }", "[{ uri = URI }]"] {
        let value = form.replace("URI", "\"mongodb://ann:hunter2@db\"");
        let file = SettingsFile::new(format!("[store]\nmongodb_uri = {value}\n"));
        assert!(!file.mistakes()[0].contains("hunter2"), "{:?}", file.mistakes());
    }
    for form in ["KEY", "[[KEY]]", "{ key = KEY }", "[{ key = KEY }]", "[KEY, 1]"] {
        let value = form.replace("KEY", "\"shop:hunter2-hunter2-x\"");
        let file = SettingsFile::new(format!("[access]\nwrite_keys = {value}\n"));
        assert!(!file.mistakes()[0].contains("hunter2"), "{:?}", file.mistakes());
    }
}

#[test]
fn what_is_wrong_with_a_connection_string() {
    assert_eq!(
        mistake("store.mongodb_uri", "db.example"),
        "store.mongodb_uri = \"db.example\" (flag --set): \
         must start with mongodb:// or mongodb+srv://"
    );
    assert_eq!(
        mistake("store.mongodb_uri", "mongodb://ann:p/w@db"),
        "store.mongodb_uri = \"mongodb://ann:***@db\" (flag --set): \
         must be a MongoDB connection string: special characters in a password are written as \
         %40 for @, %3A for :, %2F for / and %25 for %"
    );
    let message = mistake("store.mongodb_uri", "mongodb+srv://ann:pw@db.example:27017");
    assert!(message.ends_with("a port cannot be specified with 'mongodb+srv'"), "{message}");
}
