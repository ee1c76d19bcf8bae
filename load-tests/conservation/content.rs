//! What is in an event, and the hash by which a changed one is known.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Characters that are written differently in JSON, BSON and SQL.
const AWKWARD: [&str; 8] = ["\"", "\\", "'", "é", "🌱", "$date", "\u{2028}", "{}"];
const KINDS: [&str; 4] = ["page_view", "search", "purchase", "button_click"];

/// All that the producer chose of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub user: String,
    pub event_id: String,
    pub kind: String,
    pub session: Option<String>,
    /// Under which the user was known before: nobody else has it.
    pub device: Option<String>,
    /// Its place among its user's events.
    pub number: i64,
    pub filler: String,
    /// Milliseconds since the epoch.
    pub occurred_at: i64,
}

/// A fingerprint of a [`Content`].
pub type Hash = [u8; 16];

impl Content {
    /// A user's event with this number, the rest at random.
    pub fn draw(user: &str, number: i64, occurred_at: i64, rng: &mut StdRng) -> Self {
        Self {
            user: user.to_owned(),
            event_id: event_id(occurred_at, rng),
            kind: KINDS[rng.random_range(0..KINDS.len())].to_owned(),
            session: rng.random_bool(0.5).then(|| format!("s-{}", rng.random_range(0..100))),
            device: rng.random_bool(0.3).then(|| format!("{user}-d{}", number / 8)),
            number,
            filler: filler(rng),
            occurred_at,
        }
    }

    /// As a tracker sends it.
    pub fn to_json(&self) -> Value {
        let hash = hex(&self.hash());
        let mut event = json!({
            "userId": self.user,
            "eventId": self.event_id,
            "type": self.kind,
            "occurredAt": self.time(),
            "payload": { "number": self.number, "filler": self.filler, "hash": hash },
        });
        if let Some(session) = &self.session {
            event["sessionId"] = session.as_str().into();
        }
        if let Some(device) = &self.device {
            event["anonymousId"] = device.as_str().into();
        }
        event
    }

    /// When it occurred, as text.
    pub fn time(&self) -> String {
        chrono::DateTime::from_timestamp_millis(self.occurred_at)
            .expect("a time of this century")
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    /// Its fingerprint.
    pub fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        for text in [&self.user, &self.event_id, &self.kind, &self.filler] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        for text in [&self.session, &self.device] {
            hasher.update(text.as_deref().unwrap_or("none"));
        }
        hasher.update(self.number.to_le_bytes());
        hasher.update(self.occurred_at.to_le_bytes());
        let digest = hasher.finalize();
        let mut hash = Hash::default();
        hash.copy_from_slice(&digest[..16]);
        hash
    }
}

/// A fingerprint as the payload carries it.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Half of the ids tell a time, as those of good trackers do.
fn event_id(occurred_at: i64, rng: &mut StdRng) -> String {
    if rng.random_bool(0.5) {
        let millis = u64::try_from(occurred_at).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid().to_string()
    } else {
        format!("e-{:032x}", rng.random::<u128>())
    }
}

/// Mostly short, sometimes long.
fn filler(rng: &mut StdRng) -> String {
    let pieces =
        if rng.random_bool(0.02) { rng.random_range(0..2000) } else { rng.random_range(0..40) };
    (0..pieces)
        .map(|_| {
            if rng.random_bool(0.1) { AWKWARD[rng.random_range(0..AWKWARD.len())] } else { "abcd" }
        })
        .collect()
}
