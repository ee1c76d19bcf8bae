//! Whether the settings are valid, and which are not the defaults.

use super::finding::Finding;
use crate::config::{ConfigErrors, Entry, Loaded, Origin};

const CHECK: &str = "settings";

/// No values: that of a secret must not be shown, and `trailkeep config` prints the
/// others.
pub fn of_loaded(loaded: &Loaded) -> Finding {
    let changed = loaded.entries.iter().filter(|entry| entry.origin != Origin::Default);
    let changed: Vec<String> =
        changed.map(|entry| format!("{} ({})", entry.path, entry.origin)).collect();
    Finding::ok(
        CHECK,
        match changed.len() {
            0 => "valid, all of them the defaults".to_owned(),
            number => format!("valid, {number} not the default: {}", changed.join(", ")),
        },
    )
}

/// Where processors are, without asking them. One that is set up but for its URL is
/// told, since that is how a misspelt name looks: nothing would be sent, and nobody
/// would know why.
pub fn of_processors(loaded: &Loaded) -> Vec<Finding> {
    const CHECK: &str = "processors";
    const TO_DO: &str = "name a url; \"\" says that it is to be sent nothing";
    let is_set = |entry: &&Entry| entry.origin != Origin::Default;
    let lacks_url = |name: &&str| {
        let url = format!("processors.{name}.url");
        !loaded.entries.iter().filter(is_set).any(|entry| entry.path == url)
    };
    let set = loaded.entries.iter().filter(is_set);
    let names = set.filter_map(|entry| entry.path.strip_prefix("processors.")?.split('.').next());
    let mut lacking: Vec<&str> = names.filter(lacks_url).collect();
    lacking.dedup();

    let places = loaded.settings.processors.iter();
    let places: Vec<String> =
        places.map(|(name, processor)| format!("{name} at {}", processor.url.place())).collect();
    let found = (!places.is_empty()).then(|| Finding::ok(CHECK, places.join(", ")));
    let told = |name: &&str| {
        let told = format!("{name} has settings but no url, and is sent nothing");
        Finding::warn(CHECK, told, TO_DO)
    };
    found.into_iter().chain(lacking.iter().map(told)).collect()
}

/// One for each mistake.
pub fn of_mistakes(errors: &ConfigErrors) -> Vec<Finding> {
    const TO_DO: &str =
        "mend it; `trailkeep config --defaults` says what is allowed. Nothing else was looked at";
    errors.iter().map(|error| Finding::fail(CHECK, error.to_string(), TO_DO)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::config::{Environment, Overrides, Settings};

    fn lines(flags: &[(&str, &str)]) -> Vec<String> {
        let overrides = flags
            .iter()
            .fold(Overrides::default(), |all, (path, value)| all.flag("--set", path, value));
        let loaded = Settings::load_from(&overrides, &Environment::default()).unwrap();
        of_processors(&loaded)
            .into_iter()
            .map(|finding| format!("{:?}: {}", finding.level, finding.found))
            .collect()
    }

    #[test]
    fn processors_are_told_by_their_places() {
        assert!(lines(&[]).is_empty());
        let flags = [
            ("processors.default.url", "http://localhost:3001/?key=hunter2"),
            ("processors.billing.url", "https://billing.example"),
            ("processors.off.url", ""),
            ("processors.off.concurrency", "3"),
        ];
        assert_eq!(lines(&flags), ["Ok: billing at billing.example, default at localhost:3001"]);
    }

    #[test]
    fn a_processor_without_a_url_is_told() {
        let flags = [
            ("processors.billing.url", "https://billing.example"),
            ("processors.biling.concurrency", "3"),
            ("processors.biling.max_attempts", "3"),
            ("processors.default.timeout_ms", "1000"),
        ];
        assert_eq!(
            lines(&flags),
            [
                "Ok: billing at billing.example",
                "Warn: default has settings but no url, and is sent nothing",
                "Warn: biling has settings but no url, and is sent nothing",
            ]
        );
    }
}
