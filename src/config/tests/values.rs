//! How a good value is read, in every layer's spelling.

use std::time::Duration;

use super::*;

#[test]
fn the_defaults_are_those_of_the_file() {
    let settings = Settings::defaults();
    assert_eq!(settings.http.address(), "127.0.0.1:3000");
    assert_eq!(settings.http.max_body_bytes, 4 * 1024 * 1024);
    assert_eq!(settings.http.allowed_origins, AllowedOrigins::Any);
    assert!(settings.events.types.is_empty());
    assert_eq!(settings.events.default_user, None);
    assert_eq!(settings.backlog.max_events, 5_000);
    assert_eq!(settings.write.max_events, 500);
    assert_eq!(settings.write.max_wait, Duration::from_secs(1));
    assert_eq!(settings.store.mongodb_uri, None);
    assert_eq!(settings.store.data_dir, PathBuf::from("./data"));
    assert_eq!(settings.store.retention, None);
    assert!(settings.search.payload_keys.is_empty());
    assert_eq!(settings.shutdown.grace, Duration::from_secs(15));
    assert_eq!(settings.log.level, "info");
    assert_eq!(settings.log.format, LogFormat::Text);
}

#[test]
fn a_list_in_the_environment_is_separated_by_commas() {
    let loaded = from_environment(&[
        ("EVENTS_TYPES", "login, logout ,purchase"),
        ("HTTP_ALLOWED_ORIGINS", "https://shop.example,http://localhost:5173"),
    ])
    .unwrap();
    assert_eq!(loaded.settings.events.types, ["login", "logout", "purchase"]);
    assert_eq!(entry(&loaded, "events.types").value, r#"["login", "logout", "purchase"]"#);
    assert_eq!(
        loaded.settings.http.allowed_origins,
        AllowedOrigins::Listed(vec![
            "https://shop.example".to_owned(),
            "http://localhost:5173".to_owned()
        ])
    );
}

#[test]
fn an_empty_list_of_origins_in_a_file_allows_none() {
    let file = SettingsFile::new("[http]\nallowed_origins = []\n");
    let settings = file.load().unwrap().settings;
    assert_eq!(settings.http.allowed_origins, AllowedOrigins::Listed(Vec::new()));
}

#[test]
fn a_file_may_write_settings_in_any_form_of_toml() {
    let file =
        SettingsFile::new("write.in_flight = 0x02\nlog = { level = 'warn', format = \"json\" }");
    let settings = file.load().unwrap().settings;
    assert_eq!(settings.write.in_flight, 2);
    assert_eq!(settings.log.level, "warn");
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn every_word_that_a_tag_names_is_taken() {
    let catalog = Catalog::compiled_in().unwrap();
    let mut taken = 0;
    for setting in catalog.settings() {
        let rule::Rule::Word { words, .. } = &setting.rule else { continue };
        for word in words {
            let settings = Settings::with([(setting.path.as_str(), word.as_str())]);
            assert!(settings.is_ok(), "{settings:?}");
            taken += 1;
        }
    }
    assert!(taken >= 6, "{taken}");
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    let settings = Settings::with([("events.default_user", "0042")]).unwrap();
    assert_eq!(settings.events.default_user.as_deref(), Some("0042"));
}

#[test]
fn retention_is_in_days_and_none_at_zero() {
    let retention = |days| {
        let settings = Settings::with([("store.retention_days", days)]).unwrap();
        settings.store.retention
    };
    assert_eq!(retention("0"), None);
    assert_eq!(retention("90"), Some(Duration::from_secs(90 * 86_400)));
    // What MongoDB can count: 31 bits of seconds.
    assert!(retention("24855").unwrap() <= Duration::from_secs(i32::MAX as u64));
}

#[test]
fn an_address_has_an_ipv6_host_in_brackets() {
    let address = |host| Settings::with([("http.host", host)]).unwrap().http.address();
    assert_eq!(address("0.0.0.0"), "0.0.0.0:3000");
    assert_eq!(address("::"), "[::]:3000");
    assert_eq!(address("localhost"), "localhost:3000");
}

#[test]
fn quotes_in_dot_env_are_taken_off() {
    let loaded = from_dot_env(concat!(
        "# comment\n",
        "export PORT=4000\n",
        "DATA_DIR=\"/srv/my data\"\n",
        "MONGODB_URI='mongodb://u:pa$word@db.example/shop'\n",
    ))
    .unwrap();
    assert_eq!(loaded.settings.http.port, 4000);
    assert_eq!(loaded.settings.store.data_dir, PathBuf::from("/srv/my data"));
    let uri = loaded.settings.store.mongodb_uri.unwrap();
    assert_eq!(uri.expose(), "mongodb://u:pa$word@db.example/shop");
}

#[test]
fn a_value_is_shown_as_toml_on_one_line() {
    let folder = "a \"b\"\\c\n\td\u{7f}";
    let file = SettingsFile::new(
        format!("[store]\ndata_dir = {folder:?}\n").replace("\\u{7f}", "\\u007f"),
    );
    let loaded = file.load().unwrap();
    let shown = &entry(&loaded, "store.data_dir").value;
    assert_eq!(shown, r#""a \"b\"\\c\n\td\u007f""#);
    let read: toml::Table = toml::from_str(&format!("data_dir = {shown}")).unwrap();
    assert_eq!(read["data_dir"].as_str(), Some(folder));
}

#[test]
fn log_levels_may_be_given_by_module() {
    for level in ["off", "WARN", "info,trailkeep_store=debug", "warn,trailkeep=trace"] {
        let settings = Settings::with([("log.level", level)]);
        assert_eq!(settings.unwrap().log.level, level);
    }
}
