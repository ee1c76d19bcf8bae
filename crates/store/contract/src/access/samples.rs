//! Accounts, sessions, tokens and audit entries to keep.

use std::sync::Arc;

use trailkeep_event::Timestamp;
use trailkeep_store::access::{
    AccessStore, AuditEntry, Role, Scope, SecretHash, SessionRecord, StaffAccount, TokenRecord,
};
use uuid::Uuid;

/// 9000-01-01T00:00:00.000Z: a database that removes by its own clock what has
/// ended must not do so within a test.
const START: i64 = 221_845_392_000_000;

/// Texts that mean something to a database, if it is not careful.
pub const HOSTILE: [&str; 19] = [
    "ann@example.com",
    "Ann@example.com",
    "ann@example.com ",
    "ann@example.co",
    "%",
    "_",
    "*",
    "$ne",
    "{\"$ne\":null}",
    "{\"$gt\":\"\"}",
    "$where: 1",
    "' OR '1'='1",
    "x'; DROP TABLE accounts; --",
    "\"",
    "\\",
    "/ann/i",
    "ann\0@example.com",
    "żółć@example.com",
    "e\u{301}@🦀",
];

/// The moment so many milliseconds after the samples' start.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis).unwrap()
}

/// The first and the last moment there is.
pub fn ends_of_the_calendar() -> [Timestamp; 2] {
    ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]
        .map(|text| Timestamp::parse_rfc3339(text).unwrap())
}

pub fn account(email: &str) -> StaffAccount {
    StaffAccount {
        id: Uuid::new_v4(),
        email: email.to_owned(),
        name: "Ann".to_owned(),
        role: Role::Staff,
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        is_disabled: false,
        session_epoch: 0,
        places: Vec::new(),
        created_at: at(123),
    }
}

/// A hash that begins with this number.
pub fn hash(number: u8) -> SecretHash {
    let mut hash = [0xa5; 32];
    hash[0] = number;
    hash
}

/// A session of this account that ends a second after the start.
pub fn session(number: u8, account_id: Option<Uuid>) -> SessionRecord {
    SessionRecord {
        id_hash: hash(number),
        account_id,
        data: vec![number; 3],
        expires_at: at(1_000),
    }
}

/// A token for good, made so many milliseconds after the start.
pub fn token(number: u8) -> TokenRecord {
    TokenRecord {
        id: Uuid::new_v4(),
        name: format!("token {number}"),
        hash: hash(number),
        scope: Scope::Monitor,
        created_by: Uuid::new_v4(),
        created_at: at(i64::from(number)),
        expires_at: None,
        last_used_at: None,
    }
}

/// The entry with this number in the order of time, a millisecond each.
pub fn entry(number: u64, actor: &str, subject: Option<&str>) -> AuditEntry {
    let at = at(i64::try_from(number).unwrap());
    let millis = u64::try_from(at.as_millis()).unwrap();
    let random = *Uuid::new_v4().as_bytes().first_chunk().unwrap();
    AuditEntry {
        id: uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
        at,
        actor: actor.to_owned(),
        actor_id: None,
        action: "journey.read".to_owned(),
        subject: subject.map(str::to_owned),
        client: None,
        reason: None,
    }
}

/// Runs sixteen calls at the same moment, and answers in their order.
pub async fn sixteen_at_once<F, Calling, T>(store: &Arc<dyn AccessStore>, call: F) -> Vec<T>
where
    F: Fn(Arc<dyn AccessStore>, usize) -> Calling,
    Calling: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(tokio::sync::Barrier::new(16));
    let calls: Vec<_> = (0..16)
        .map(|number| {
            let (call, barrier) = (call(store.clone(), number), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                call.await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

/// How many of them are this.
pub fn count<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}
