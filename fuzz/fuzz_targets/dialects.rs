//! What holds of every dialect.

use bson::raw::RawDocument;
use serde_json::Value;
use trailkeep_event::dialect::{Taken, Terms};
use trailkeep_event::fault::MAX_LISTED;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::wire::Refusal;
use trailkeep_event::{Event, Keep, Rules, Sender, StoreId, Timestamp, TypeRule};

/// Small, so that short inputs reach every limit.
const MAX_EVENTS: usize = 4;
const PAYLOAD: PayloadLimits = PayloadLimits { max_bytes: 160, max_depth: 4 };
/// What a payload may have beside what was sent: what is told of the sender, the context of
/// a batch, and `traits` that nobody sent.
const BESIDE: usize = 4 << 10;

/// Reads as of a browser of which all is kept.
pub fn on_terms(read: impl FnOnce(Terms<'_>)) {
    let rules = Rules {
        types: TypeRule::Any,
        default_user: None,
        max_events: MAX_EVENTS,
        payload: PAYLOAD,
        max_future_ms: 86_400_000,
    };
    let keep = Keep { user_agent: true, address: true };
    let sender = Sender::of(keep, Some("Mozilla/5.0 (Linux) Firefox/1"), None);
    let now = Timestamp::from_millis_clamped(1_765_794_600_000);
    read(Terms { rules: &rules, sender: &sender, now });
}

pub fn check(answer: &Result<Taken, Refusal>) {
    match answer {
        Ok(taken) => {
            let left = &taken.left_out;
            let met = taken.events.len() + left.invalid + left.too_large + left.unwanted;
            assert!(met <= MAX_EVENTS);
            assert!(left.faults.total() >= left.invalid + left.too_large);
            assert!(left.faults.listed().len() <= MAX_LISTED);
            taken.events.iter().for_each(check_event);
        }
        Err(Refusal::TooMany { limit }) => assert_eq!(*limit, MAX_EVENTS),
        Err(Refusal::Faulty { faults, .. }) => assert!(faults.total() > 0),
        Err(Refusal::Syntax { message, .. }) => assert!(!message.is_empty()),
    }
}

fn check_event(event: &Event) {
    let optional =
        |text: &Option<Box<str>>| text.iter().all(|text| (1..=256).contains(&text.len()));
    assert!((1..=256).contains(&event.user_id.len()));
    assert!((1..=128).contains(&event.event_id.len()));
    assert!((1..=64).contains(&event.kind.len()));
    assert!(optional(&event.anonymous_id));
    assert!(optional(&event.session_id));
    assert!(optional(&event.account_id));
    assert_eq!(event.id, StoreId::derive(&event.user_id, &event.event_id));
    let bson = RawDocument::from_bytes(event.payload.as_bson()).expect("a BSON document");
    bson::Document::try_from(bson).expect("valid in every part");
    let json = event.payload.to_json();
    assert!(json.len() <= PAYLOAD.max_bytes + BESIDE, "{json}");
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert!(value.is_object());
}
