//! Which layer wins, and that the winner is named.

use super::*;

#[test]
fn without_anything_else_every_value_is_a_default() {
    let loaded = from_environment(&[]).unwrap();
    assert_eq!(loaded.settings, Settings::defaults());
    assert!(loaded.entries.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn a_file_wins_over_defaults() {
    let file = SettingsFile::new("[write]\nin_flight = 2\n");
    let loaded = file.load().unwrap();
    assert_eq!(loaded.settings.write.in_flight, 2);
    assert_eq!(entry(&loaded, "write.in_flight").origin, Origin::File(file.path.clone()));
    assert_eq!(origin(&loaded, "write.max_events"), "default");
}

#[test]
fn dot_env_wins_over_a_file() {
    let file = SettingsFile::new("[write]\nin_flight = 2\n");
    let environment = Environment::default().with_dot_env("WRITE_IN_FLIGHT=3\n");
    let loaded = Settings::load_from(&file.overrides(), &environment).unwrap();
    assert_eq!(loaded.settings.write.in_flight, 3);
    assert_eq!(origin(&loaded, "write.in_flight"), ".env WRITE_IN_FLIGHT");
}

#[test]
fn a_real_variable_wins_over_dot_env() {
    let environment =
        Environment::from_pairs([("WRITE_IN_FLIGHT", "5")]).with_dot_env("WRITE_IN_FLIGHT=3\n");
    let loaded = Settings::load_from(&Overrides::default(), &environment).unwrap();
    assert_eq!(loaded.settings.write.in_flight, 5);
    assert_eq!(origin(&loaded, "write.in_flight"), "environment WRITE_IN_FLIGHT");
}

#[test]
fn a_flag_wins_over_all() {
    let file = SettingsFile::new("[http]\nport = 1\n");
    let environment = Environment::from_pairs([("PORT", "2")]).with_dot_env("PORT=3\n");
    let overrides = file.overrides().flag("--port", "http.port", "4");
    let loaded = Settings::load_from(&overrides, &environment).unwrap();
    assert_eq!(loaded.settings.http.port, 4);
    assert_eq!(origin(&loaded, "http.port"), "flag --port");
}

#[test]
fn of_two_flags_the_later_counts() {
    let settings = Settings::with([("write.in_flight", "2"), ("write.in_flight", "3")]).unwrap();
    assert_eq!(settings.write.in_flight, 3);
}

#[test]
fn of_two_lines_in_dot_env_the_first_counts() {
    let loaded = from_dot_env("WRITE_IN_FLIGHT=2\nWRITE_IN_FLIGHT=3\n").unwrap();
    assert_eq!(loaded.settings.write.in_flight, 2);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let file = SettingsFile::new("[store]\ndata_dir = \"/srv/trailkeep\"\n");
    let environment = Environment::from_pairs([("DATA_DIR", ""), ("PORT", "")]);
    let loaded = Settings::load_from(&file.overrides(), &environment).unwrap();
    assert_eq!(loaded.settings.store.data_dir, PathBuf::from("/srv/trailkeep"));
    assert_eq!(loaded.settings.http.port, 3000);
    assert_eq!(origin(&loaded, "http.port"), "default");
}

#[test]
fn an_empty_variable_switches_off_the_one_in_dot_env() {
    let environment = Environment::from_pairs([("MONGODB_URI", "")])
        .with_dot_env("MONGODB_URI=mongodb://db.example\n");
    let loaded = Settings::load_from(&Overrides::default(), &environment).unwrap();
    assert_eq!(loaded.settings.store.mongodb_uri, None);
}

#[test]
fn an_empty_flag_sets_an_empty_value() {
    let environment = Environment::from_pairs([("MONGODB_URI", "mongodb://db.example")]);
    let overrides = Overrides::default().flag("--mongodb-uri", "store.mongodb_uri", "");
    let loaded = Settings::load_from(&overrides, &environment).unwrap();
    assert_eq!(loaded.settings.store.mongodb_uri, None);
    assert_eq!(origin(&loaded, "store.mongodb_uri"), "flag --mongodb-uri");
}

#[test]
fn five_settings_have_only_their_short_names() {
    let loaded = from_environment(&[
        ("HOST", "::1"),
        ("PORT", "8080"),
        ("MONGODB_URI", "mongodb://db.example"),
        ("DATA_DIR", "/srv"),
        ("PROCESSOR_URL", "http://p.example"),
        ("HTTP_HOST", "localhost"),
        ("HTTP_PORT", "1"),
        ("STORE_MONGODB_URI", "mongodb://other.example"),
        ("STORE_DATA_DIR", "/tmp"),
        ("PROCESSORS_DEFAULT_URL", "http://other.example"),
    ])
    .unwrap();
    assert_eq!(loaded.settings.http.address(), "[::1]:8080");
    let uri = loaded.settings.store.mongodb_uri.unwrap();
    assert_eq!(uri.expose(), "mongodb://db.example");
    assert_eq!(loaded.settings.store.data_dir, PathBuf::from("/srv"));
    assert_eq!(loaded.settings.processors["default"].url.place(), "p.example");
}

#[test]
fn two_settings_never_share_an_environment_name() {
    let catalog = Catalog::compiled_in().unwrap();
    let mut names: Vec<&str> =
        catalog.settings().filter_map(|setting| setting.variable.as_deref()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn other_variables_are_none_of_our_business() {
    let environment = Environment::from_pairs([("PATH", "/bin"), ("FLUSH_LANE", "x")])
        .with_dot_env("POSTGRES_PASSWORD='$ecret # x'\n");
    let loaded = Settings::load_from(&Overrides::default(), &environment).unwrap();
    assert_eq!(loaded.settings, Settings::defaults());
}
