//! People who look at accounts while events come.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::asking::{TOP, ask_at_once, request};
use crate::batch::account_name;
use crate::connection::AsyncConnection;
use crate::numbers::percentiles;
use crate::seeding::{ACCOUNTS, whale};
use crate::tally::{latency_histogram, micros};

/// From one summary to the next, whatever the answers do: 5 a second, as in
/// the older system at its peak.
const INTERVAL: Duration = Duration::from_millis(200);
/// As many as its share of the events are for the whale, and are kept.
const WHALE_EACH: u32 = 5;
/// But for one that must be counted anew: once a minute, as for a dashboard
/// that is always open.
const NEW_EACH: u32 = 60 * 5;
/// The first of these, 2.4 s after the start: the load has warmed up.
const FIRST_NEW: u32 = 12;

/// Summaries asked for, one after the other and several at once. Dropping it
/// ends it.
pub struct Dashboard {
    asking: JoinHandle<Result<Asked, Trouble>>,
    over: DropGuard,
}

/// What was answered.
pub struct Asked {
    /// Summaries asked for.
    pub requests: u64,
    /// Those answered 503.
    pub refused: u64,
    /// Of the others, in microseconds.
    pub latency: Histogram<u64>,
}

impl Dashboard {
    /// Asks a service from now on. It has been open for a while: the whale's
    /// summary is there already.
    pub async fn start(address: SocketAddr, token: &str, seed: u64) -> Result<Self, Trouble> {
        ask_at_once(address, 1, &request(&whale(), TOP, token)).await?;
        let over = CancellationToken::new();
        let asking = ask(address, token.to_owned(), seed, over.clone());
        Ok(Self { asking: tokio::spawn(asking), over: over.drop_guard() })
    }

    /// Asks no more, and waits for the answers.
    pub async fn stop(self) -> Result<Asked, Trouble> {
        drop(self.over);
        self.asking.await.during("a dashboard")?
    }
}

impl Asked {
    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({
            "requests": self.requests,
            "refused": self.refused,
            "latencyMs": percentiles(&self.latency),
        })
    }

    fn add(&mut self, status: u16, took: Duration) -> Result<(), Trouble> {
        self.requests += 1;
        match status {
            200 => self.latency.saturating_record(micros(took)),
            503 => self.refused += 1,
            other => return Err(Trouble(format!("a summary was answered {other}"))),
        }
        Ok(())
    }
}

async fn ask(
    address: SocketAddr,
    token: String,
    seed: u64,
    over: CancellationToken,
) -> Result<Asked, Trouble> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut due = tokio::time::interval(INTERVAL);
    let mut answers = JoinSet::new();
    for number in 0.. {
        tokio::select! {
            _ = due.tick() => {}
            () = over.cancelled() => break,
        }
        let (account, top) = question(number, &mut rng);
        answers.spawn(exchange(address, request(&account, top, &token)));
    }
    let mut asked = Asked { requests: 0, refused: 0, latency: latency_histogram()? };
    while let Some(answer) = answers.join_next().await {
        let (status, took) = answer.during("a dashboard")??;
        asked.add(status, took)?;
    }
    Ok(asked)
}

/// Account and `top` of a request. Ordinary accounts are so many that nearly
/// each of their summaries is counted.
fn question(number: u32, rng: &mut ChaCha8Rng) -> (String, u32) {
    if number % NEW_EACH == FIRST_NEW {
        (whale(), TOP + 1 + number / NEW_EACH)
    } else if number % WHALE_EACH == FIRST_NEW % WHALE_EACH {
        (whale(), TOP)
    } else {
        (account_name(rng.random_range(1..=ACCOUNTS)), TOP)
    }
}

async fn exchange(address: SocketAddr, request: Vec<u8>) -> Result<(u16, Duration), Trouble> {
    let began = Instant::now();
    let connection = AsyncConnection::open(address).await;
    let mut connection = connection.during("connecting")?;
    let status = connection.exchange(&request).await.during("a summary")?;
    Ok((status, began.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_for_the_whale_and_each_minute_one_of_them_is_new() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let minutes = 0..3 * NEW_EACH;
        let asked: Vec<_> = minutes.map(|number| question(number, &mut rng)).collect();
        let whales = asked.iter().filter(|(account, _)| *account == whale());
        let new = asked.iter().filter(|(_, top)| *top != TOP);
        assert_eq!((whales.count(), new.clone().count()), (180, 3));
        let tops: std::collections::HashSet<u32> = new.map(|(_, top)| *top).collect();
        assert_eq!(tops.len(), 3);
    }
}
