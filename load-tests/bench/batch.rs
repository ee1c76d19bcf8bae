//! Requests with events, made once. For each one sent only what must be new is
//! written into it, in place: ids, users and times.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// About 100 bytes.
pub const PAYLOAD: &str = r#"{"path":"/pricing","referrer":"https://example.org/","width":1440,"scroll":0.75,"plan":{"name":"pro"}}"#;
const USER: &str = "user-0000000";
const SESSION: &str = "s-0000000";
const ACCOUNT: &str = "account-0000";
const EVENT_ID: &str = "00000000-0000-7000-8000-000000000000";
const TIME: &str = "2025-12-15T10:30:00.000Z";

/// Users of whom events tell, unless a measurement is about their number.
pub const USERS: u32 = 50_000;

/// Of whom events tell.
#[derive(Debug, Clone, Copy)]
pub struct People {
    pub users: u32,
    /// Accounts `account-0000` and so on, fewer than 10,000, drawn for each
    /// event; 0 for events without one.
    pub accounts: u32,
}

impl People {
    /// Users without accounts.
    pub fn of(users: u32) -> Self {
        Self { users, accounts: 0 }
    }
}

/// A `POST /events`, to be sent again and again, each time with other events.
pub struct Batch {
    bytes: Vec<u8>,
    events: Vec<Places>,
    people: People,
    rng: ChaCha8Rng,
    /// The last time that was written, and as text: a millisecond has many events.
    now: (i64, String),
}

/// Where in the bytes the parts of an event begin that change.
struct Places {
    user: usize,
    session: usize,
    event_id: usize,
    time: usize,
    account: Option<usize>,
}

impl Batch {
    /// A request with so many events, of users drawn from these.
    pub fn new(events: usize, people: People, seed: u64) -> Self {
        Self::to("/events", events, people, seed)
    }

    /// The same to another path.
    pub fn to(path: &str, events: usize, people: People, seed: u64) -> Self {
        let mut body = String::from("[");
        let mut places = Vec::with_capacity(events);
        for index in 0..events {
            if index > 0 {
                body.push(',');
            }
            places.push(write_event(&mut body, people));
        }
        body.push(']');
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        for place in &mut places {
            place.shift(head.len());
        }
        Self {
            bytes: (head + &body).into_bytes(),
            events: places,
            people,
            rng: ChaCha8Rng::seed_from_u64(seed),
            now: (0, TIME.to_owned()),
        }
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// The request with new events.
    pub fn next(&mut self) -> &[u8] {
        let users = self.people.users;
        self.fill(|rng, _| rng.random_range(0..users))
    }

    /// The request with a new event of this user and of each that follows.
    pub fn next_of(&mut self, first: u32) -> &[u8] {
        self.fill(|_, index| first + index)
    }

    fn fill(&mut self, user: impl Fn(&mut ChaCha8Rng, u32) -> u32) -> &[u8] {
        let now = chrono::Utc::now();
        if self.now.0 != now.timestamp_millis() {
            let text = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            self.now = (now.timestamp_millis(), text);
        }
        let millis = u64::try_from(self.now.0).unwrap_or(0);
        for (places, index) in self.events.iter().zip(0..) {
            let digits = digits(user(&mut self.rng, index));
            put(&mut self.bytes, places.user + USER.len() - 7, &digits);
            put(&mut self.bytes, places.session + SESSION.len() - 7, &digits);
            put(&mut self.bytes, places.time, self.now.1.as_bytes());
            if let Some(account) = places.account {
                let number = self.rng.random_range(0..self.people.accounts);
                put(&mut self.bytes, account, account_name(number).as_bytes());
            }
            let random: [u8; 10] = self.rng.random();
            let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
            let place = places.event_id..places.event_id + EVENT_ID.len();
            id.hyphenated().encode_lower(&mut self.bytes[place]);
        }
        &self.bytes
    }
}

impl Places {
    fn shift(&mut self, by: usize) {
        for place in [&mut self.user, &mut self.session, &mut self.event_id, &mut self.time] {
            *place += by;
        }
        self.account = self.account.map(|place| place + by);
    }
}

fn write_event(body: &mut String, people: People) -> Places {
    let mut put = |before: &str, value: &str| {
        body.push_str(before);
        body.push_str(value);
        body.len() - value.len()
    };
    let user = put(r#"{"userId":""#, USER);
    let session = put(r#"","type":"page_view","sessionId":""#, SESSION);
    let event_id = put(r#"","eventId":""#, EVENT_ID);
    let time = put(r#"","occurredAt":""#, TIME);
    let account = (people.accounts > 0).then(|| put(r#"","accountId":""#, ACCOUNT));
    put(r#"","payload":"#, PAYLOAD);
    put("}", "");
    Places { user, session, event_id, time, account }
}

/// The name of a user.
pub fn user_name(number: u32) -> String {
    format!("user-{number:07}")
}

/// The name of an account.
pub fn account_name(number: u32) -> String {
    format!("account-{number:04}")
}

/// Seven digits.
pub fn digits(mut number: u32) -> [u8; 7] {
    let mut digits = [b'0'; 7];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
    digits
}

/// Writes over what stands at a place.
pub fn put(bytes: &mut [u8], place: usize, value: &[u8]) {
    bytes[place..place + value.len()].copy_from_slice(value);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_request_is_valid_and_has_events_of_its_own() {
        let mut batch = Batch::new(3, People { users: 1000, accounts: 12 }, 7);
        let mut ids = HashSet::new();
        for _ in 0..10 {
            let request = String::from_utf8(batch.next().to_owned()).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("content-length: {}", body.len())));
            let events: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
            assert_eq!(events.len(), 3);
            for event in events {
                let user = event["userId"].as_str().unwrap();
                assert!(user.starts_with("user-0000"), "{user}");
                let account = event["accountId"].as_str().unwrap();
                let number: u32 = account.strip_prefix("account-").unwrap().parse().unwrap();
                assert!(number < 12, "{account}");
                let id: uuid::Uuid = event["eventId"].as_str().unwrap().parse().unwrap();
                assert_eq!(id.get_version_num(), 7);
                assert!(ids.insert(id));
            }
        }
    }

    #[test]
    fn each_of_some_users_has_an_event_in_a_request() {
        let mut batch = Batch::new(2, People::of(9), 7);
        let request = String::from_utf8(batch.next_of(41).to_owned()).unwrap();
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let events: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
        let users: Vec<_> = events.iter().map(|event| event["userId"].as_str().unwrap()).collect();
        assert_eq!(users, [user_name(41), user_name(42)]);
    }

    #[test]
    fn digits_are_those_of_the_number() {
        assert_eq!(&digits(9_876_543), b"9876543");
        assert_eq!(&digits(42), b"0000042");
    }
}
