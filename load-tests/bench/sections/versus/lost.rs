//! What a crash costs: of what was answered 202, what is not there, and what is there twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::running::{Running, Sources};
use super::site::Site;
use crate::connection::Connection;
use crate::numbered::{self, Numbered};

const SENDERS: u32 = 8;
/// Events of a request.
const TOGETHER: u32 = 10;
/// From one request of a sender to its next: 1,600 events a second in all, which everybody
/// keeps up with.
const INTERVAL: Duration = Duration::from_millis(50);
const BEFORE: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_millis(500);
const AFTERWARDS: Duration = Duration::from_secs(2);
/// After a request that was not taken.
const REST: Duration = Duration::from_millis(20);
/// How long one request is sent again.
const LIMIT: Duration = Duration::from_secs(90);
const KIND: &str = "lost";

/// What ends without a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    Collector,
    Database,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Toll {
    pub accepted: u64,
    pub lost: u64,
    pub doubled: u64,
}

impl Toll {
    pub fn to_json(self) -> Value {
        json!({ "accepted": self.accepted, "lost": self.lost, "doubled": self.doubled })
    }
}

/// Sends, kills in the middle, goes on sending, and looks what is there. Whatever is not
/// answered 202 is sent again, as a tracker does.
pub async fn measure(
    site: &Site,
    sources: &Sources,
    mut running: Running,
    victim: Victim,
) -> Result<Toll, Trouble> {
    let is_over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (address, is_over) = (running.address(), Arc::clone(&is_over));
            std::thread::spawn(move || send(address, sender, &is_over))
        })
        .collect();
    tokio::time::sleep(BEFORE).await;
    match victim {
        Victim::Collector => running.crash(sources).await?,
        Victim::Database => {
            site.server.kill();
            tokio::time::sleep(AWAY).await;
            tokio::task::block_in_place(|| site.server.restart());
        }
    }
    tokio::time::sleep(AFTERWARDS).await;
    is_over.store(true, Ordering::Relaxed);
    let accepted = tokio::task::block_in_place(|| {
        let mut accepted = Vec::new();
        for sender in senders {
            accepted.extend(sender.join().map_err(|_| Trouble("a sender panicked".to_owned()))??);
        }
        Ok::<_, Trouble>(accepted)
    })?;
    let kept = site.kept(&running);
    kept.settle().await?;
    let _folder = running.stop().await?;
    let ids = kept.ids().await?;
    let is_lost = |number: &&u32| !ids.contains_key(&numbered::id(KIND, **number));
    Ok(Toll {
        accepted: accepted.len() as u64,
        lost: accepted.iter().filter(is_lost).count() as u64,
        doubled: ids.values().filter(|&&times| times > 1).count() as u64,
    })
}

/// Sends until it is over; answers the numbers of what was accepted.
fn send(address: SocketAddr, sender: u32, is_over: &AtomicBool) -> Result<Vec<u32>, Trouble> {
    let mut connection = Connection::open(address).during("connecting")?;
    let mut accepted = Vec::new();
    let user = format!("sender-{sender}");
    let began = Instant::now();
    for request in 0_u32.. {
        std::thread::sleep((INTERVAL * request).saturating_sub(began.elapsed()));
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let first = sender * 1_000_000 + request * TOGETHER;
        let numbers = first..first + TOGETHER;
        let events = numbers.clone();
        let events = events.map(|number| Numbered { user: &user, kind: KIND, number });
        insist(&mut connection, &numbered::request(events))?;
        accepted.extend(numbers);
    }
    Ok(accepted)
}

/// Sends a request until it is answered 202.
fn insist(connection: &mut Connection, request: &[u8]) -> Result<(), Trouble> {
    let began = Instant::now();
    while began.elapsed() < LIMIT {
        match connection.exchange(request) {
            Ok(202) => return Ok(()),
            Ok(status) if status < 500 => {
                return Err(Trouble(format!("events were answered {status}")));
            }
            _ => std::thread::sleep(REST),
        }
    }
    Err(Trouble(format!("a request was not taken within {LIMIT:?}")))
}
