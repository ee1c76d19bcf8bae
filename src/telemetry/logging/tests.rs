#![allow(clippy::unwrap_used)]

use super::captured::Sink;
use super::*;

fn logged(level: &str, format: LogFormat, colour: bool, act: impl FnOnce()) -> String {
    let sink = Sink::default();
    let log = Log { level: level.to_owned(), format };
    let writer = sink.clone();
    let (subscriber, _) = subscriber(&log, colour, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    sink.text()
}

fn store_event() {
    let _request = tracing::info_span!("request", request_id = "r1").entered();
    tracing::info!(events = 500, "flushed");
}

#[test]
fn json_is_one_flat_object_a_line() {
    let text = logged("info", LogFormat::Json, false, || {
        store_event();
        store_event();
    });
    assert_eq!(text.lines().count(), 2);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "flushed");
        assert_eq!(line["events"], 500);
        assert_eq!(line["target"], module_path!());
        assert_eq!(line["span"]["request_id"], "r1");
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.contains('T') && time.ends_with('Z'), "{time}");
    }
}

#[test]
fn text_is_coloured_only_on_request() {
    let plain = logged("info", LogFormat::Text, false, store_event);
    assert!(plain.contains("INFO") && plain.contains("flushed events=500"), "{plain}");
    assert!(!plain.contains('\u{1b}'));
    let coloured = logged("info", LogFormat::Text, true, store_event);
    assert!(coloured.contains('\u{1b}'));
}

#[test]
fn warnings_of_the_session_layer_are_left_out_at_any_level() {
    let act = || {
        tracing::warn!(target: "tower_sessions::service", "malformed");
        tracing::warn!(target: "tower_sessions_core::session", "not found");
        tracing::error!(target: "tower_sessions::service", "not saved");
        tracing::warn!("ours");
    };
    for level in ["warn", "info", "trace", "info,tower_sessions=trace"] {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(level, format, false, act);
            assert_eq!(text.lines().count(), 2, "{level}: {text}");
            assert!(text.contains("not saved") && text.contains("ours"), "{text}");
        }
    }
    assert_eq!(logged("off", LogFormat::Text, false, act), "");
}

#[test]
fn the_level_may_differ_by_module() {
    let act = || {
        tracing::warn!("from here");
        tracing::debug!(target: "trailkeep_store", "from the store");
    };
    let text = logged("error,trailkeep_store=debug", LogFormat::Text, false, act);
    assert!(text.contains("from the store"), "{text}");
    assert!(!text.contains("from here"), "{text}");
}

#[test]
fn the_level_may_change_while_the_log_is_under_way() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let sink = Sink::default();
        let log = Log { level: "info".to_owned(), format };
        let writer = sink.clone();
        let (subscriber, level) = subscriber(&log, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let act = |number: u32| {
                tracing::warn!(number, "warned");
                tracing::info!(number, "informed");
                tracing::debug!(number, "debugged");
                tracing::debug!(target: "trailkeep_store", number, "stored");
            };
            for (number, directives) in
                ["info", "warn", "info,trailkeep_store=debug", "debug"].into_iter().enumerate()
            {
                level.set(directives).unwrap();
                act(number as u32);
            }
            assert!(matches!(level.set("a=b=c").unwrap_err(), LoggingError::Level(_)));
        });
        let text = sink.text();
        let told: Vec<usize> = ["warned", "informed", "debugged", "stored"]
            .map(|word| text.lines().filter(|line| line.contains(word)).count())
            .into();
        assert_eq!(told, [4, 3, 1, 2], "{text}");
    }
}
