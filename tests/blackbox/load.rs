//! Steady load, with a record of what was promised.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::eventually::{SOON, eventually};
use crate::sample;
use crate::service::{Service, http_client};

const BATCH: usize = 10;

/// The ids that were answered 202, by user, in the order of the answers.
pub type Accepted = BTreeMap<String, Vec<String>>;

/// Several senders, each with a user of its own, posting batch after batch.
pub struct Load {
    senders: Vec<JoinHandle<(String, Vec<String>)>>,
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
}

impl Load {
    /// Starts the senders.
    pub fn start(service: &Service, senders: usize) -> Self {
        Self::start_as("load", service, senders)
    }

    /// Starts the senders with users of that name.
    pub fn start_as(name: &str, service: &Service, senders: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(AtomicUsize::new(0));
        // Connections are kept, as trackers' servers do.
        let http = http_client(senders);
        let senders = (0..senders)
            .map(|number| {
                let sender = Sender {
                    http: http.clone(),
                    url: service.url("/events"),
                    user: format!("{name}-{number}"),
                    stop: stop.clone(),
                    accepted: accepted.clone(),
                };
                tokio::spawn(sender.run())
            })
            .collect();
        Self { senders, stop, accepted }
    }

    /// Waits until as many more events are accepted.
    pub async fn wait_for_more(&self, events: usize) {
        let goal = self.accepted.load(Ordering::Relaxed) + events;
        eventually("the load is accepted", 2 * SOON, || {
            let accepted = self.accepted.load(Ordering::Relaxed);
            std::future::ready((accepted >= goal).then_some(()))
        })
        .await;
    }

    /// Ends the load and says what was accepted.
    pub async fn stop(self) -> Accepted {
        self.stop.store(true, Ordering::Relaxed);
        let mut accepted = Accepted::new();
        for sender in self.senders {
            let (user, ids) = sender.await.expect("a sender");
            accepted.insert(user, ids);
        }
        accepted
    }
}

struct Sender {
    http: reqwest::Client,
    url: String,
    user: String,
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
}

impl Sender {
    /// Until it is told to stop, or nobody listens any more. What has no
    /// answer is not promised, and is sent once only.
    async fn run(self) -> (String, Vec<String>) {
        let mut ids = Vec::new();
        for batch in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let events = sample::events(&self.user, "e", batch * BATCH..(batch + 1) * BATCH);
            let Some(accepted) = self.post(&events).await else {
                break;
            };
            self.accepted.fetch_add(accepted.len(), Ordering::Relaxed);
            ids.extend(accepted);
        }
        (self.user, ids)
    }

    /// The ids that were accepted, none when there is no room; `None` when
    /// there is no answer.
    async fn post(&self, events: &Value) -> Option<Vec<String>> {
        let response = self.http.post(&self.url).json(events).send().await.ok()?;
        match response.status().as_u16() {
            202 => {
                let mut answer: Value = response.json().await.ok()?;
                Some(serde_json::from_value(answer["eventIds"].take()).expect("ids"))
            }
            503 => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some(Vec::new())
            }
            other => panic!("the load was answered {other}"),
        }
    }
}

/// Checks that all that was accepted is there once and, within its user, in
/// the order in which it was sent.
pub async fn assert_kept(service: &Service, accepted: &Accepted) {
    for (user, sent) in accepted {
        let kept = service.export_ids(user).await;
        let distinct: HashSet<_> = kept.iter().collect();
        assert_eq!(distinct.len(), kept.len(), "{user} has an event twice");

        let promised: HashSet<_> = sent.iter().collect();
        let kept: Vec<_> = kept.iter().filter(|id| promised.contains(id)).collect();
        assert_eq!(kept.len(), sent.len(), "{user} lost accepted events");
        assert!(kept.into_iter().eq(sent), "{user}'s order has changed");
    }
}
