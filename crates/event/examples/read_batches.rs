//! Reads one batch of 100 events so many times, in one of the forms in which it may be sent:
//! what a counter of instructions is held against.
//!
//! ```text
//! cargo build --release -p trailkeep-event --example read_batches
//! valgrind --tool=callgrind target/release/examples/read_batches segment 1000
//! ```
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::hint::black_box;

use trailkeep_event::dialect::{Terms, posthog, segment};
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Rules, Sender, Timestamp, TypeRule, wire};

const EVENTS: usize = 100;
const PROPERTIES: &str = r#"{"path":"/pricing","referrer":"https://example.org/","width":1440,"scroll":0.75,"plan":{"name":"pro"}}"#;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, form, times] = &*arguments else {
        panic!("give a form (native, segment, posthog) and a number of times");
    };
    let body = body(form);
    let rules = Rules {
        types: TypeRule::Any,
        default_user: None,
        max_events: 1000,
        payload: PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 },
        max_future_ms: 86_400_000,
    };
    let now = Timestamp::parse_rfc3339("2025-12-15T10:30:02.000Z").unwrap();
    let sender = Sender::default();
    let terms = Terms { rules: &rules, sender: &sender, now };
    for _ in 0..times.parse().unwrap() {
        let body = black_box(&*body);
        let events = match &**form {
            "native" => wire::read_json(body, &rules, now).unwrap(),
            "segment" => segment::read_batch(body, false, terms).unwrap().events,
            _ => posthog::read(body, None, &Default::default(), terms).unwrap().events,
        };
        assert_eq!(black_box(events).len(), EVENTS);
    }
}

/// The same events in each form.
fn body(form: &str) -> Vec<u8> {
    let mut body = String::from(match form {
        "native" => "[",
        _ => r#"{"batch":["#,
    });
    for number in 0..EVENTS {
        let user = format!("user-{:06}", number % 7);
        let session = format!("s-{}-1765794600", number % 7);
        let id = format!("019b21d0-{number:04x}-7d9e-8f4a-2b6c1d0e9f88");
        let time = format!("2025-12-15T10:30:00.{number:03}Z");
        let comma = if number == 0 { "" } else { "," };
        match form {
            "native" => write!(
                body,
                r#"{comma}{{"userId":"{user}","type":"page_view","sessionId":"{session}","eventId":"{id}","occurredAt":"{time}","payload":{PROPERTIES}}}"#
            ),
            "segment" => write!(
                body,
                r#"{comma}{{"type":"track","event":"page_view","userId":"{user}","messageId":"{id}","timestamp":"{time}","context":{{"sessionId":"{session}"}},"properties":{PROPERTIES}}}"#
            ),
            _ => {
                let properties = PROPERTIES.trim_end_matches('}');
                write!(
                    body,
                    r#"{comma}{{"event":"page_view","distinct_id":"{user}","uuid":"{id}","timestamp":"{time}","properties":{properties}}},"$session_id":"{session}"}}}}"#
                )
            }
        }
        .unwrap();
    }
    body.push_str(match form {
        "native" => "]",
        "segment" => r#"],"sentAt":"2025-12-15T10:30:02.000Z"}"#,
        _ => r#"],"sent_at":"2025-12-15T10:30:02.000Z"}"#,
    });
    body.into_bytes()
}
