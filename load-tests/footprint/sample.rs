//! Events as they come from pages: with payloads of about 100 bytes, ids in
//! order of time, users in no order.

use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Event, Rules, Timestamp, TypeRule, wire};

/// Milliseconds between two events.
const STEP: i64 = 5;
/// 2025-12-15T10:30:00Z.
const START: i64 = 1_765_794_600_000;

/// A source of events, the same ones in each run.
pub struct Sample {
    rng: StdRng,
    users: u64,
    without_account: u64,
    now: i64,
    rules: Rules,
}

impl Sample {
    /// Events of so many users; one of so many without an account.
    pub fn new(users: u64, without_account: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(1),
            users,
            without_account,
            now: START,
            rules: Rules {
                types: TypeRule::Any,
                default_user: None,
                max_events: 1000,
                payload: PayloadLimits { max_bytes: 32 * 1024, max_depth: 32 },
                max_future_ms: 86_400_000,
            },
        }
    }

    /// The next ones, read as the service reads them.
    pub fn events(&mut self, count: u64) -> Vec<Event> {
        let mut body = String::from("[");
        for number in 0..count {
            if number > 0 {
                body.push(',');
            }
            self.write_event(&mut body);
        }
        body.push(']');
        wire::read_json(body.as_bytes(), &self.rules, self.now()).unwrap()
    }

    /// The time of the last event.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis_clamped(self.now)
    }

    fn write_event(&mut self, body: &mut String) {
        self.now += STEP;
        let user = self.rng.random_range(0..self.users);
        let time = self.now;
        let (high, low) = (time >> 16, time & 0xffff);
        let (a, b): (u16, u64) = (self.rng.random_range(0..0x1000), self.rng.random());
        let b = b & 0xffff_ffff_ffff;
        write!(
            body,
            r#"{{"userId":"user-{user:08}","type":"page_view","sessionId":"s-{user:08}-1765794600","#
        )
        .unwrap();
        if self.rng.random_range(0..self.without_account) != 0 {
            write!(body, r#""accountId":"account-{:04}","#, user % 1000).unwrap();
        }
        write!(
            body,
            r#""eventId":"{high:08x}-{low:04x}-7{a:03x}-8f4a-{b:012x}","occurredAt":{time},"payload":"#
        )
        .unwrap();
        self.write_payload(body);
        body.push('}');
    }

    /// Different for each event: what repeats is compressed away.
    fn write_payload(&mut self, body: &mut String) {
        let rng = &mut self.rng;
        let product = rng.random_range(0..100_000);
        let from = rng.random::<u32>();
        let width = [360, 390, 412, 1440, 1920][rng.random_range(0..5)];
        let scroll = rng.random_range(0..1000);
        let plan = ["free", "pro", "team"][rng.random_range(0..3)];
        write!(
            body,
            r#"{{"path":"/products/{product}","referrer":"https://example.org/?q={from:x}","width":{width},"scroll":0.{scroll:03},"plan":{{"name":"{plan}"}}}}"#
        )
        .unwrap();
    }
}
