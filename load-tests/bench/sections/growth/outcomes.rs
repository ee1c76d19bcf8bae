//! What a delivery costs, by how many outcomes are kept already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bson::doc;
use bson::raw::RawDocumentBuf;
use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::put;
use crate::bench::Bench;
use crate::connection::find;
use crate::database::Database;
use crate::example::Example;
use crate::sections::index::layouts::TWO_YEARS;
use crate::sections::processors::{DELAY_MS, deliver};

/// For each size.
pub const STEPS: u64 = 2;
const LANES: u64 = 4;
/// In a command.
const DOCUMENTS: u64 = 1_000;

/// CPU of `mongod` and of the service for a delivery, in microseconds, and the most memory of
/// the service, in MiB.
pub async fn measure(bench: &Bench, outcomes: u64) -> Result<[f64; 3], Trouble> {
    bench.progress.step(format!("growth, filling with {outcomes} outcomes"));
    let site = bench.site().await?;
    let processor = Example::start(&bench.starter, DELAY_MS, None).await?;
    let with = [("PROCESSOR_URL", processor.url())];
    let seed = bench.arguments.seed;
    // Makes the indexes, and shows what an outcome looks like.
    deliver(bench, &site, &with, seed).await?;
    fill(&site.database, outcomes, seed).await?;
    site.database.settle().await?;
    site.database.rest().await?;

    bench.progress.step(format!("growth, deliveries beside {outcomes} outcomes"));
    let delivered = deliver(bench, &site, &with, seed + 1).await?;
    site.database.forget_processors().await?;
    let bare = deliver(bench, &site, &[], seed + 2).await?;
    let (mongod, service) =
        (delivered.mongod_us - bare.mongod_us, delivered.service_us - bare.service_us);
    Ok([mongod, service, delivered.peak_mib])
}

/// Copies of one that the service made, of events of two years up to now.
async fn fill(database: &Arc<Database>, outcomes: u64, seed: u64) -> Result<(), Trouble> {
    let model = database.outcomes().find_one(doc! {}).await.during("reading an outcome")?;
    let model = model.ok_or_else(|| Trouble("no outcome was kept".to_owned()))?;
    let model = Arc::new(Model::of(&model)?);
    let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap_or(0);
    let time = move |number: u64| now - TWO_YEARS + TWO_YEARS * number / outcomes.max(1);
    let (commands, next) = (outcomes.div_ceil(DOCUMENTS), Arc::new(AtomicU64::new(0)));
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (database, next, model) = (Arc::clone(database), Arc::clone(&next), Arc::clone(&model));
        let mut rng = ChaCha8Rng::seed_from_u64(seed * LANES + lane);
        lanes.spawn(async move {
            loop {
                let first = next.fetch_add(1, Ordering::Relaxed) * DOCUMENTS;
                if first >= commands * DOCUMENTS {
                    return Ok(());
                }
                let copies =
                    (first..first + DOCUMENTS).map(|number| model.copy(time(number), &mut rng));
                let copies: Vec<RawDocumentBuf> = copies.collect::<Result<_, _>>()?;
                let inserted = database.outcomes().insert_many(copies).ordered(false).await;
                inserted.during("filling with outcomes")?;
            }
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane.during("filling with outcomes")??;
    }
    Ok(())
}

/// An outcome, and where in its bytes the parts begin that differ.
struct Model {
    bytes: Vec<u8>,
    id: usize,
    received_at: usize,
}

impl Model {
    fn of(document: &RawDocumentBuf) -> Result<Self, Trouble> {
        let bytes = document.as_bytes().to_vec();
        let behind = |element: &[u8], skip: usize| {
            let place = find(&bytes, element).map(|place| place + element.len() + skip);
            place.ok_or_else(|| Trouble("an outcome is kept in another form".to_owned()))
        };
        // Behind the length and the subtype.
        let (id, received_at) = (behind(b"\x05_id\0", 5)?, behind(b"\x09receivedAt\0", 0)?);
        Ok(Self { bytes, id, received_at })
    }

    /// That of another event, received then.
    fn copy(&self, millis: u64, rng: &mut ChaCha8Rng) -> Result<RawDocumentBuf, Trouble> {
        let mut bytes = self.bytes.clone();
        // As the service derives it: the time, and then a hash.
        let mut hash = [0; 10];
        rng.fill_bytes(&mut hash);
        put(&mut bytes, self.id, &millis.to_be_bytes()[2..]);
        put(&mut bytes, self.id + 6, &hash);
        put(&mut bytes, self.received_at, &millis.to_le_bytes());
        RawDocumentBuf::from_bytes(bytes).during("an outcome")
    }
}

#[cfg(test)]
mod tests {
    use bson::spec::BinarySubtype;
    use bson::{Binary, DateTime, rawdoc};

    use super::*;

    #[test]
    fn a_copy_is_of_another_event_at_another_time_and_else_the_same() {
        let outcome = |bytes: Vec<u8>, millis| {
            rawdoc! {
                "_id": Binary { subtype: BinarySubtype::Uuid, bytes },
                "state": "processed",
                "receivedAt": DateTime::from_millis(millis),
            }
        };
        let model = Model::of(&outcome(vec![1; 16], 0)).unwrap();
        let copy = model.copy(1_765_794_600_000, &mut ChaCha8Rng::seed_from_u64(1)).unwrap();
        let id = copy.get_binary("_id").unwrap().bytes.to_vec();
        assert_eq!(id[..6], 1_765_794_600_000_u64.to_be_bytes()[2..]);
        assert_eq!(copy, outcome(id, 1_765_794_600_000));
    }
}
