#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;

/// Answers the tries in turn; when it has no more answers, it takes all.
struct Scripted(Mutex<Vec<Trouble>>);

#[async_trait]
impl Destination for Scripted {
    type Batch = u64;

    fn pack(&self, samples: &[Sample]) -> u64 {
        samples.len() as u64
    }

    fn left(batch: &u64) -> usize {
        usize::try_from(*batch).unwrap()
    }

    async fn write(&self, batch: &mut u64, tally: &mut Tally) -> Result<(), Trouble> {
        let mut answers = self.0.lock();
        if !answers.is_empty() {
            return Err(answers.remove(0));
        }
        tally.stored += std::mem::take(batch);
        Ok(())
    }
}

async fn settled(answers: Vec<Trouble>, stop: &CancellationToken) -> Settled {
    let destination = Arc::new(Scripted(Mutex::new(answers)));
    let progress = Arc::new(Progress::begin(7));
    settle(destination, 7, progress, stop.clone()).await
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_repeated_until_it_is_taken() {
    let answers = vec![
        Trouble::Outage("gone".to_owned()),
        Trouble::Busy(Duration::from_secs(1)),
        Trouble::Outage("gone".to_owned()),
    ];
    let (tally, failure) = settled(answers, &CancellationToken::new()).await;
    let expected = Tally {
        stored: 7,
        repeated: 2,
        turned_away: 1,
        ..Tally::default()
    };
    assert_eq!((tally, failure), (expected, None));
}

#[tokio::test(start_paused = true)]
async fn a_service_without_room_is_left_alone_for_as_long_as_it_asked() {
    let began = Instant::now();
    let answers = vec![Trouble::Busy(Duration::from_secs(30))];
    settled(answers, &CancellationToken::new()).await;
    assert!(began.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    let answers = vec![Trouble::Refusal("no".to_owned())];
    let (tally, failure) = settled(answers, &CancellationToken::new()).await;
    assert_eq!((tally, failure), (Tally::default(), Some("no".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_a_batch_is_tried_to_its_end_but_not_again() {
    let stop = CancellationToken::new();
    stop.cancel();
    let (tally, _) = settled(Vec::new(), &stop).await;
    assert_eq!(tally.stored, 7);
    let (tally, failure) = settled(vec![Trouble::Outage("gone".to_owned())], &stop).await;
    assert_eq!((tally.stored, tally.given_up, failure), (0, 7, None));
}
