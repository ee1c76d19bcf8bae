//! Events as the service stores them, inserted without it.
//!
//! One document is taken from what the service itself stored, and an `insert`
//! command is made of copies of it once. For each command sent only what must
//! be new is written into it, in place, so that an inserter costs little more
//! than its system calls.

use bson::raw::{RawArrayBuf, RawDocumentBuf};
use bson::{rawdoc, spec::BinarySubtype};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{digits, put};
use crate::connection::find;
use crate::database::Database;

/// What differs from event to event.
pub struct NewEvent {
    pub user: u32,
    /// Milliseconds since the epoch, of `occurredAt`.
    pub occurred_at: i64,
    pub arrival: i64,
    /// Milliseconds since the epoch, where documents have a `period`.
    pub period: Option<i64>,
}

/// An `insert` of so many documents, to be sent again and again.
pub struct InsertCommand {
    bytes: Vec<u8>,
    documents: Vec<Places>,
}

/// Where in the bytes the parts of a document begin that change.
struct Places {
    id: usize,
    user: usize,
    event_id: usize,
    session: usize,
    occurred_at: usize,
    received_at: usize,
    arrival: usize,
    period: Option<usize>,
}

impl InsertCommand {
    /// A command whose documents are like this one, which the service stored
    /// from a [`Batch`](crate::batch::Batch). The write concern is the one that
    /// the service uses.
    pub fn like(document: &RawDocumentBuf, documents: usize) -> Result<Self, Trouble> {
        Self::like_each(std::slice::from_ref(document), documents)
    }

    /// The same with documents like each of these, in turn.
    pub fn like_each(models: &[RawDocumentBuf], documents: usize) -> Result<Self, Trouble> {
        let is_id = |document: &RawDocumentBuf| {
            let id = document.get_binary("_id");
            id.is_ok_and(|id| id.subtype == BinarySubtype::Uuid && id.bytes.len() == 16)
        };
        if !models.iter().all(is_id) {
            return Err(Trouble("an event is stored under another _id".to_owned()));
        }
        let documents = || models.iter().cycle().take(documents);
        let mut array = RawArrayBuf::new();
        for document in documents() {
            array.push(document.clone());
        }
        let command = rawdoc! {
            "insert": "events",
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
            "documents": array,
        };
        let bytes = command.into_bytes();
        let mut from = 0;
        let documents = documents()
            .map(|document| Places::find(&bytes, document.as_bytes(), &mut from))
            .collect::<Option<_>>()
            .ok_or_else(|| Trouble("an event is stored in another form".to_owned()))?;
        Ok(Self { bytes, documents })
    }

    /// How many documents it has.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Inserts new events.
    pub async fn send(
        &mut self,
        database: &Database,
        rng: &mut ChaCha8Rng,
        mut event: impl FnMut(&mut ChaCha8Rng) -> NewEvent,
    ) -> Result<(), Trouble> {
        for places in &self.documents {
            let event = event(rng);
            places.write(&mut self.bytes, &event, rng);
        }
        let command = RawDocumentBuf::from_bytes(self.bytes.clone()).during("a command")?;
        let answer = database.handle().run_raw_command(command).await.during("inserting")?;
        let inserted = answer.get_i32("n").ok().and_then(|n| usize::try_from(n).ok());
        if inserted == Some(self.documents.len()) {
            return Ok(());
        }
        Err(Trouble(format!("an insert was answered {answer}")))
    }
}

impl Places {
    /// Those of the next copy of a document in a command.
    fn find(command: &[u8], document: &[u8], from: &mut usize) -> Option<Self> {
        let start = *from + find(&command[*from..], &document[..8])?;
        *from = start + document.len();
        let value = |element: &[u8], skip: usize| {
            let offset = find(document, element)? + element.len() + skip;
            Some(start + offset)
        };
        Some(Self {
            // Behind the length and the subtype, or the length.
            id: value(b"\x05_id\0", 5)?,
            user: value(b"\x02userId\0", 4 + "user-".len())?,
            event_id: value(b"\x02eventId\0", 4)?,
            session: value(b"\x02sessionId\0", 4 + "s-".len())?,
            occurred_at: value(b"\x09occurredAt\0", 0)?,
            received_at: value(b"\x09receivedAt\0", 0)?,
            arrival: value(b"\x12arrival\0", 0)?,
            period: value(b"\x09period\0", 0),
        })
    }

    fn write(&self, bytes: &mut [u8], event: &NewEvent, rng: &mut ChaCha8Rng) {
        let millis = u64::try_from(event.occurred_at).unwrap_or(0);
        let random: [u8; 20] = rng.random();
        let mut event_random = [0; 10];
        event_random.copy_from_slice(&random[..10]);
        let event_id = uuid::Builder::from_unix_timestamp_millis(millis, &event_random).into_uuid();
        // As the service derives it: the time, and then a hash.
        put(bytes, self.id, &event_id.as_bytes()[..6]);
        put(bytes, self.id + 6, &random[10..]);
        let length = uuid::fmt::Hyphenated::LENGTH;
        event_id.hyphenated().encode_lower(&mut bytes[self.event_id..self.event_id + length]);
        let digits = digits(event.user);
        put(bytes, self.user, &digits);
        put(bytes, self.session, &digits);
        put(bytes, self.occurred_at, &event.occurred_at.to_le_bytes());
        put(bytes, self.received_at, &event.occurred_at.to_le_bytes());
        put(bytes, self.arrival, &event.arrival.to_le_bytes());
        if let (Some(place), Some(period)) = (self.period, event.period) {
            put(bytes, place, &period.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::{Binary, DateTime};
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_document_of_a_command_becomes_another_event() {
        let document = rawdoc! {
            "_id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] },
            "userId": "user-0000000",
            "eventId": "00000000-0000-7000-8000-000000000000",
            "type": "page_view",
            "sessionId": "s-0000000",
            "payload": { "path": "/" },
            "occurredAt": DateTime::from_millis(0),
            "receivedAt": DateTime::from_millis(0),
            "arrival": 0_i64,
        };
        let mut in_a_period = document.clone();
        in_a_period.append(bson::raw::cstr!("period"), DateTime::from_millis(0));
        let models = [document, in_a_period];
        let mut command = InsertCommand::like_each(&models, 12).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (number, places) in (0..).zip(&command.documents) {
            let event = NewEvent {
                user: number,
                occurred_at: 1_765_794_600_000 + i64::from(number),
                arrival: 77 + i64::from(number),
                period: Some(1_765_756_800_000 + i64::from(number)),
            };
            places.write(&mut command.bytes, &event, &mut rng);
        }
        let command = RawDocumentBuf::from_bytes(command.bytes).unwrap();
        for (number, value) in (0..).zip(command.get_array("documents").unwrap()) {
            let document = value.unwrap().as_document().unwrap();
            let id = document.get_str("eventId").unwrap();
            let id: uuid::Uuid = id.parse().unwrap();
            let own = document.get_binary("_id").unwrap().bytes;
            assert_eq!(own[..6], id.as_bytes()[..6]);
            let user = document.get_str("userId").unwrap();
            assert_eq!(user, crate::batch::user_name(number));
            let arrival = document.get_i64("arrival").unwrap();
            assert_eq!(arrival, 77 + i64::from(number));
            let period = document.get_datetime("period").ok().map(DateTime::timestamp_millis);
            let expected = 1_765_756_800_000 + i64::from(number);
            assert_eq!(period, (number % 2 == 1).then_some(expected));
        }
    }
}
