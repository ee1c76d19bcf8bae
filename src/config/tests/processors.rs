//! Processors: sections of any name, and what each may hold.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn mistakes(path: &str, value: &str) -> Vec<String> {
    messages(Settings::with([(path, value)]))
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.settings.processors.keys().map(String::as_str).collect()
}

#[test]
fn there_is_none_by_default() {
    assert!(Settings::defaults().processors.is_empty());
    assert!(from_environment(&[("PROCESSOR_URL", "")]).unwrap().settings.processors.is_empty());
}

#[test]
fn a_url_alone_makes_one() {
    let loaded = from_environment(&[("PROCESSOR_URL", "http://localhost:3001")]).unwrap();
    assert_eq!(names(&loaded), ["default"]);
    let processor = &loaded.settings.processors["default"];
    assert_eq!(processor.url.expose().to_string(), "http://localhost:3001/events");
    assert_eq!(processor.types, [""; 0]);
    assert_eq!(processor.concurrency, 128);
    assert_eq!(processor.timeout, Duration::from_secs(30));
    assert_eq!(processor.max_attempts, 12);
    assert_eq!(processor.backoff_min, Duration::from_secs(1));
    assert_eq!(processor.backoff_max, Duration::from_secs(300));
    assert_eq!(processor.secrets, []);
    assert!(processor.headers.is_empty());
    let FieldNames { user, payload, time } = &processor.fields;
    assert_eq!([user, payload, time], ["userId", "payload", "occurredAt"]);
    assert_eq!(origin(&loaded, "processors.default.url"), "environment PROCESSOR_URL");
}

#[test]
fn a_section_of_another_name_has_the_same_keys_and_defaults() {
    let file = SettingsFile::new(format!(
        "[processors.billing]\nurl = \"https://b.example/in?key=k\"\ntypes = [\"purchase\"]\n\
         concurrency = 3\ntimeout_ms = 100\nmax_attempts = 1\nbackoff_min_ms = 10\n\
         backoff_max_ms = 10\nsecrets = [\"{SECRET}\"]\nheaders = [\"X-Tenant: 7\"]\n\
         user_field = \"patientId\"\npayload_field = \"data\"\ntime_field = \"ts\"\n\
         [processors.audit]\nurl = \"http://localhost:3001\"\n"
    ));
    let loaded = file.load().unwrap();
    assert_eq!(names(&loaded), ["audit", "billing"]);
    let billing = &loaded.settings.processors["billing"];
    assert_eq!(billing.url.expose().to_string(), "https://b.example/in?key=k");
    assert_eq!(billing.types, ["purchase"]);
    assert_eq!((billing.concurrency, billing.max_attempts), (3, 1));
    assert_eq!(billing.timeout, Duration::from_millis(100));
    assert_eq!(billing.backoff_min, Duration::from_millis(10));
    assert_eq!(billing.backoff_max, Duration::from_millis(10));
    assert_eq!(billing.secrets[0].expose().len(), 24);
    assert_eq!(billing.headers["x-tenant"], "7");
    let FieldNames { user, payload, time } = &billing.fields;
    assert_eq!([user, payload, time], ["patientId", "data", "ts"]);

    let default = from_environment(&[("PROCESSOR_URL", "http://localhost:3001")]).unwrap();
    let default = &default.settings.processors["default"];
    assert_eq!(&loaded.settings.processors["audit"], default);
}

#[test]
fn layers_lie_over_each_other_for_each_name() {
    let file = SettingsFile::new(
        "[processors.default]\nurl = \"http://f.example\"\nconcurrency = 1\nmax_attempts = 1\n\
         [processors.b]\nurl = \"http://f.example\"\nconcurrency = 1\n",
    );
    let environment = Environment::from_pairs([
        ("PROCESSOR_URL", "http://e.example"),
        ("PROCESSORS_DEFAULT_CONCURRENCY", "2"),
        ("PROCESSORS_B_CONCURRENCY", "2"),
    ]);
    let overrides = file.overrides().flag("--set", "processors.b.url", "http://s.example").flag(
        "--set",
        "processors.c-1_x.url",
        "http://s.example",
    );
    let loaded = Settings::load_from(&overrides, &environment).unwrap();
    assert_eq!(names(&loaded), ["b", "c-1_x", "default"]);
    let place = |name: &str| loaded.settings.processors[name].url.place();
    assert_eq!(
        [place("b"), place("c-1_x"), place("default")],
        ["s.example", "s.example", "e.example"]
    );
    let paths: BTreeSet<&str> = loaded.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths.len(), loaded.entries.len(), "a setting is there twice");
    let file = format!("file {}", file.path.display());
    for (path, value, from) in [
        ("processors.default.concurrency", "2", "environment PROCESSORS_DEFAULT_CONCURRENCY"),
        ("processors.default.max_attempts", "1", file.as_str()),
        ("processors.b.url", "\"http://s.example\"", "flag --set"),
        // No variable is read for a name that the operator chose.
        ("processors.b.concurrency", "1", file.as_str()),
        ("processors.b.max_attempts", "12", "default"),
        ("processors.c-1_x.concurrency", "128", "default"),
    ] {
        assert_eq!(entry(&loaded, path).value, value, "{path}");
        assert_eq!(origin(&loaded, path), from, "{path}");
    }
}

#[test]
fn named_ones_are_listed_behind_the_default() {
    let file = SettingsFile::new("[processors.z]\n[processors.a]\nurl = \"http://a.example\"\n");
    let loaded = file.load().unwrap();
    let mut sections: Vec<&str> =
        loaded.entries.iter().filter_map(|entry| Some(entry.path.rsplit_once('.')?.0)).collect();
    sections.dedup();
    let place = sections.iter().position(|section| *section == "processors.default").unwrap();
    assert_eq!(
        sections[place - 1..place + 4],
        ["accounts", "processors.default", "processors.a", "processors.z", "health"]
    );
    let keys = |section: &str| -> Vec<String> {
        let below = loaded.entries.iter().filter_map(|entry| entry.path.strip_prefix(section));
        below.map(str::to_owned).collect()
    };
    assert_eq!(keys("processors.a"), keys("processors.default"));
    assert_eq!(keys("processors.z").len(), 16);
    assert_eq!(names(&loaded), ["a"]);
}

#[test]
fn an_empty_url_switches_one_off() {
    let file = SettingsFile::new("[processors.b]\nurl = \"http://b.example\"\n");
    let overrides = file.overrides().flag("--set", "processors.b.url", "");
    let loaded = Settings::load_from(&overrides, &Environment::default()).unwrap();
    assert!(loaded.settings.processors.is_empty());
    assert_eq!(origin(&loaded, "processors.b.url"), "flag --set");
}

#[test]
fn names_are_of_plain_characters() {
    let longest = "a".repeat(64);
    for name in ["a", "a-b_c9", "url", "default-2", &longest] {
        let path = format!("processors.{name}.url");
        let settings = Settings::with([(path.as_str(), "http://a.example")]).unwrap();
        assert_eq!(settings.processors.keys().collect::<Vec<_>>(), [name]);
    }
    let too_long = "a".repeat(65);
    for name in ["Billing", "9a", "-a", "_a", "a b", "é", "", &too_long] {
        let expected = format!(
            "[processors.{name}] (SOURCE): the name of a processor must be 1 to 64 of a-z, 0-9, - \
             and _, and begin with a letter"
        );
        let path = format!("processors.{name}.url");
        let from_flag = mistakes(&path, "http://a.example");
        assert_eq!(from_flag, [expected.replace("SOURCE", "flag --set")]);
        let file = SettingsFile::new(format!("[processors.\"{name}\"]\nurl = \"x\"\n"));
        assert_eq!(file.mistakes(), [expected.replace("SOURCE", "file FILE")]);
    }
    let file = SettingsFile::new("[processors.\"a.b\"]\nurl = \"http://a.example\"\n");
    assert!(file.mistakes()[0].starts_with("[processors.a.b] (file FILE): the name of"));
}

#[test]
fn settings_without_a_name_are_told_where_they_belong() {
    let told = "settings of a processor belong in [processors.default], or in [processors.NAME] \
                with another name";
    for (text, named) in [
        ("[processors]\nurl = \"http://u:hunter2@x\"\n", vec!["processors.url"]),
        ("processors = \"http://u:hunter2@x\"\n", vec!["processors"]),
        ("[[processors]]\nurl = \"hunter2\"\n", vec!["processors"]),
        (
            "[processors]\nbilling = \"hunter2\"\ndefault = 1\n",
            vec!["processors.billing", "processors.default"],
        ),
    ] {
        let expected: Vec<String> =
            named.iter().map(|name| format!("{name} (file FILE): {told}")).collect();
        assert_eq!(SettingsFile::new(text).mistakes(), expected);
    }
    for path in ["processors.url", "processors", "processors.billing"] {
        assert_eq!(mistakes(path, "http://x"), [format!("{path} (flag --set): {told}")]);
    }
}

#[test]
fn unknown_keys_name_the_nearest_of_the_same_section() {
    let no_such = "there is no such setting";
    let file = SettingsFile::new(
        "[processors.billing]\nconcurency = 3\nURL = 1\nretries = 1\n[processors.billing.extra]\nx = 1\n\
         [processor.billing]\nurl = \"x\"\n",
    );
    let found: BTreeSet<String> = file.mistakes().into_iter().collect();
    assert_eq!(
        found.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            &format!("[processor] (file FILE): {no_such}; did you mean [processors]?"),
            &format!("[processors.billing.extra] (file FILE): {no_such}"),
            &format!(
                "processors.billing.URL (file FILE): {no_such}; did you mean \
                 processors.billing.url?"
            ),
            &format!(
                "processors.billing.concurency (file FILE): {no_such}; did you mean \
                 processors.billing.concurrency?"
            ),
            &format!("processors.billing.retries (file FILE): {no_such}"),
        ]
    );
    assert_eq!(
        mistakes("processors.b.max_attempt", "3"),
        [format!(
            "processors.b.max_attempt (flag --set): {no_such}; did you mean \
             processors.b.max_attempts?"
        )]
    );
    assert_eq!(
        mistakes("PROCESSOR_URL", "x"),
        [format!("PROCESSOR_URL (flag --set): {no_such}; did you mean processors.default.url?")]
    );
}

#[test]
fn values_that_cannot_be_are_told_all_at_once_with_or_without_a_url() {
    let file = SettingsFile::new(
        "[processors.default]\nurl = \"localhost:3001\"\nconcurrency = 0\n\
         [processors.b]\ntypes = [\"\"]\ntimeout_ms = 99\nmax_attempts = 1001\n\
         secrets = [\"hunter2\"]\nheaders = [\"Host: hunter2\"]\nuser_field = \"type\"\n\
         payload_field = \"\"\ntime_field = 7\n",
    );
    let found = file.mistakes();
    let begins = [
        "processors.default.url = \"localhost:3001\" (file FILE): must be an http or https URL",
        "processors.default.concurrency = 0 (file FILE): must be a whole number from 1 to 10000",
        "processors.b.types = [\"\"] (file FILE): must be a list of types of 1 to 64 bytes",
        "processors.b.timeout_ms = 99 (file FILE): must be a whole number of milliseconds from \
         100 to 600000",
        "processors.b.max_attempts = 1001 (file FILE): must be a whole number from 1 to 1000",
        "processors.b.secrets = [\"***\"] (file FILE): must be a list of secrets",
        "processors.b.headers = [\"Host: ***\"] (file FILE): must hold no header that the service \
         sets itself",
        "processors.b.user_field = \"type\" (file FILE): must not be the name of another field",
        "processors.b.payload_field = \"\" (file FILE): must be 1 to 64 characters",
        "processors.b.time_field = 7 (file FILE): must be text in quotes",
    ];
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for (message, begin) in found.iter().zip(begins) {
        assert!(message.starts_with(begin), "{message}");
    }
}

#[test]
fn field_names_differ_from_each_other_and_from_those_of_other_fields() {
    for taken in ["eventId", "anonymousId", "sessionId", "accountId", "type", "receivedAt"] {
        let found = mistakes("processors.default.time_field", taken);
        assert!(found[0].contains("must not be the name of another field"), "{found:?}");
    }
    for wrong in ["", "a\u{1}", &"é".repeat(65)] {
        let found = mistakes("processors.default.user_field", wrong);
        assert!(found[0].contains("must be 1 to 64 characters"), "{found:?}");
    }
    assert_eq!(
        mistakes("processors.b.time_field", "userId"),
        ["processors.b.time_field = \"userId\" (flag --set): must not be that of \
          processors.b.user_field (default) too, or the body could not hold both"]
    );
    assert_eq!(mistakes("processors.default.user_field", "payload").len(), 1);
    assert_eq!(mistakes("processors.default.time_field", "payload").len(), 1);
    let exchanged = [
        ("processors.default.url", "http://x"),
        ("processors.default.user_field", "payload"),
        ("processors.default.payload_field", "userId"),
        ("processors.default.time_field", &"é".repeat(64)),
    ];
    assert!(Settings::with(exchanged).is_ok());
}

#[test]
fn the_longest_pause_is_not_below_the_first() {
    assert_eq!(
        mistakes("processors.b.backoff_min_ms", "300001"),
        ["processors.b.backoff_max_ms = 300000 (default): must be at least \
          processors.b.backoff_min_ms = 300001 (flag --set), or the first pause would be longer \
          than the longest"]
    );
    assert!(Settings::with([("processors.b.backoff_min_ms", "300000")]).is_ok());
}

#[test]
fn there_are_at_most_32() {
    let text = |number: usize| {
        (0..number).fold(String::new(), |mut text, index| {
            writeln!(text, "[processors.p{index:02}]\nurl = \"http://x.example\"").unwrap();
            text
        })
    };
    let file = SettingsFile::new(text(32) + "[processors.off]\n");
    assert_eq!(file.load().unwrap().settings.processors.len(), 32);
    assert_eq!(
        SettingsFile::new(text(34)).mistakes(),
        ["processors.p32.url = \"http://x.example\" (file FILE): must be one of at most 32 \
          processors, and there are 34"]
    );
}

#[test]
fn lists_may_come_from_the_environment() {
    let pair = format!("{SECRET}, {}", SECRET.replace('M', "N"));
    let loaded = from_environment(&[
        ("PROCESSOR_URL", "http://localhost:3001"),
        ("PROCESSORS_DEFAULT_SECRETS", &pair),
        ("PROCESSORS_DEFAULT_HEADERS", "Authorization: Bearer hunter2,X-Tenant: 7"),
        ("PROCESSORS_DEFAULT_TYPES", "purchase,search"),
    ])
    .unwrap();
    let processor = &loaded.settings.processors["default"];
    assert_eq!(processor.secrets.len(), 2);
    assert_eq!(processor.headers["authorization"], "Bearer hunter2");
    assert_eq!(processor.types, ["purchase", "search"]);
}

#[test]
fn secrets_are_shown_nowhere() {
    let overrides = Overrides::default()
        .flag("--set", "processors.b.url", "https://x.example/?key=hunter2")
        .flag("--set", "processors.b.secrets", SECRET)
        .flag("--set", "processors.b.headers", "Authorization: hunter2");
    let loaded = Settings::load_from(&overrides, &Environment::default()).unwrap();
    for (key, shown) in [
        ("url", "\"https://x.example/?***\""),
        ("secrets", "[\"whsec_***\"]"),
        ("headers", "[\"Authorization: ***\"]"),
    ] {
        assert_eq!(entry(&loaded, &format!("processors.b.{key}")).value, shown);
    }
    let shown = format!("{loaded:?}");
    assert!(shown.contains("https://x.example/?***"), "{shown}");
    for secret in ["hunter2", "MfKQ9r8", "49, 242, 144"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

/// Whatever form a secret is given in, the mistake does not quote it.
#[test]
fn secrets_are_in_no_message() {
    let mut told = 0;
    for (key, given) in [
        ("secrets", SECRET),
        ("secrets", "hunter2"),
        ("headers", "Authorization: hunter2"),
        ("headers", "hunter2"),
        ("url", "http://ann:hunter2@x"),
        ("url", "hunter2@x"),
        ("url", "localhost?key=hunter2"),
    ] {
        for form in ["V", "[V, V]", "[[V]]", "{ a = V }", "[{ a = V }]", "[V, 1]"] {
            let value = form.replace('V', &format!("{given:?}"));
            let file = SettingsFile::new(format!("[processors.b]\n{key} = {value}\n"));
            let found = file.mistakes();
            told += found.len();
            let shows = |secret| found.iter().any(|message| message.contains(secret));
            assert!(!shows("MfKQ9r8") && !shows("hunter2"), "{found:?}");
        }
    }
    assert_eq!(told, 42);
    assert_eq!(
        mistakes("processors.b.url", "http://ann:hunter2@x"),
        ["processors.b.url = \"http://***@x\" (flag --set): must have no user and no password in \
          it: send them as a header, such as headers = [\"Authorization: Basic ...\"]"]
    );
}

#[test]
fn with_a_processor_an_event_waits_the_shorter_of_two_times() {
    let wait = |pairs: &[(&str, &str)]| {
        let settings = Settings::with(pairs.iter().copied()).unwrap();
        settings.max_wait().as_millis()
    };
    let url = ("processors.b.url", "http://x.example");
    assert_eq!(wait(&[]), 1000);
    assert_eq!(wait(&[url]), 50);
    assert_eq!(wait(&[url, ("write.max_wait_with_processors_ms", "200")]), 200);
    assert_eq!(wait(&[url, ("write.max_wait_ms", "20")]), 20);
    assert_eq!(wait(&[("write.max_wait_with_processors_ms", "20")]), 1000);
}
