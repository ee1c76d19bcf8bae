//! Producers: several connections that post one batch after the other.

mod doors;
mod pace;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use tokio::task::JoinHandle;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::content::Content;
use crate::oracle::{Answer, Batch, Disk, Oracle, Sent, Span};
use crate::processors::POISON;
use crate::times::Times;
pub use doors::Doors;
use doors::{Reply, both};
use pace::{Pace, batch_size};
use wire::Wire;

pub const USERS_OF_EACH: usize = 3;
/// Connections that a client keeps.
const KEPT: usize = 64;
/// After which a producer takes it that no answer comes.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The same where another instance can be asked.
const SHORT_ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// How often a batch is sent to another instance than the one before it, and how often to
/// both where some are.
const ELSEWHERE: f64 = 0.2;
const TO_BOTH: f64 = 0.5;
/// How much later than the first the second is sent the same, in milliseconds, where it is
/// not at the same moment: mostly the first has stored it by then.
const LATER_MS: std::ops::Range<u64> = 60..200;
/// How long the service may take to accept again when nothing is wrong any more.
const ACCEPTING_LIMIT: Duration = Duration::from_secs(60);

/// A client with which nobody else can be asked.
pub fn http_client() -> Result<reqwest::Client, Trouble> {
    client(ANSWER_LIMIT)
}

/// One that keeps a connection for each producer.
fn client(patience: Duration) -> Result<reqwest::Client, Trouble> {
    reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .pool_max_idle_per_host(KEPT)
        .timeout(patience)
        .build()
        .during("an HTTP client")
}

/// What a user of a producer is called.
pub fn user_of(name: &str, producer: usize, user: usize) -> String {
    format!("{name}-p{producer}-u{user}")
}

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Demand {
    /// Events a second, of all producers together; `None` for as many as they can.
    pub rate: Option<u32>,
    pub producers: usize,
    /// Events of a batch, at the most.
    pub largest_batch: usize,
    /// Whether one event in a hundred is of the type that the processor refuses.
    pub has_poison: bool,
    /// Whether some batches are sent to both instances.
    pub is_for_both: bool,
}

/// Running producers.
pub struct Load {
    producers: Vec<JoinHandle<Result<Producer, Trouble>>>,
    stop: Arc<AtomicBool>,
    oracle: Arc<Oracle>,
}

impl Load {
    /// Starts them. `name` begins the names of their users, which are new ones; `demand`
    /// is what all of them send.
    pub fn start(
        name: &str,
        doors: &Arc<Doors>,
        oracle: &Arc<Oracle>,
        demand: Demand,
        rng: &mut StdRng,
    ) -> Result<Self, Trouble> {
        let stop = Arc::new(AtomicBool::new(false));
        let http = client(if doors.count() > 1 { SHORT_ANSWER_LIMIT } else { ANSWER_LIMIT })?;
        let pace_of = |rate| Pace::of(rate, demand.producers, demand.largest_batch);
        let producers = (0..demand.producers)
            .map(|number| {
                let producer = Producer {
                    http: http.clone(),
                    doors: Arc::clone(doors),
                    door: number % doors.count(),
                    users: (0..USERS_OF_EACH)
                        .map(|user| (user_of(name, number, user), 0))
                        .collect(),
                    times: Times::of_a_round(now()),
                    pace: demand.rate.map(pace_of),
                    demand,
                    oracle: Arc::clone(oracle),
                    rng: StdRng::from_rng(rng),
                };
                tokio::spawn(producer.run(Arc::clone(&stop)))
            })
            .collect();
        Ok(Self { producers, stop, oracle: Arc::clone(oracle) })
    }

    /// Waits until as many more events are accepted.
    pub async fn wait_for_more(&self, events: u64) -> Result<(), Trouble> {
        self.wait_for(events, "accepted", || self.oracle.accepted()).await
    }

    /// Waits until as many more events are refused.
    pub async fn wait_for_refusals(&self, events: u64) -> Result<(), Trouble> {
        self.wait_for(events, "refused", || self.oracle.refused()).await
    }

    /// Ends the load; each producer then has one last batch accepted, as it
    /// must be when nothing is wrong any more.
    pub async fn stop(self) -> Result<(), Trouble> {
        self.stop.store(true, Ordering::Relaxed);
        for producer in self.producers {
            producer.await.during("a producer")??.finish().await?;
        }
        Ok(())
    }

    async fn wait_for(
        &self,
        events: u64,
        what: &str,
        count: impl Fn() -> u64,
    ) -> Result<(), Trouble> {
        let goal = count() + events;
        let deadline = Instant::now() + ACCEPTING_LIMIT;
        while count() < goal {
            if self.producers.iter().any(JoinHandle::is_finished) {
                return Err(Trouble("a producer was answered what must not come".to_owned()));
            }
            if Instant::now() > deadline {
                return Err(Trouble(format!(
                    "{events} events were not {what} in {ACCEPTING_LIMIT:?}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

/// One connection, with users of its own.
struct Producer {
    http: reqwest::Client,
    doors: Arc<Doors>,
    /// Where the next batch goes.
    door: usize,
    /// Each with the number of its next event.
    users: Vec<(String, i64)>,
    times: Times,
    pace: Option<Pace>,
    demand: Demand,
    oracle: Arc<Oracle>,
    rng: StdRng,
}

/// Where a batch goes.
#[derive(Clone, Copy)]
enum To {
    /// This instance.
    One(usize),
    /// The one that the producer is at.
    Any,
    Both,
}

/// A batch as it is posted.
struct Form {
    wire: Wire,
    body: Value,
}

/// What became of a batch, and who has it.
struct Sending {
    reply: Reply,
    kept_by: Vec<Disk>,
}

impl Producer {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Result<Self, Trouble> {
        while !stop.load(Ordering::Relaxed) {
            let to = self.draw_addressee();
            let contents = self.draw(to);
            let answer = self.post(&contents, to).await?;
            let pause = match answer {
                Answer::Accepted if self.pace.is_some() => 0,
                Answer::Accepted => self.rng.random_range(0..10),
                Answer::Refused | Answer::None => 20,
            };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if let Some(pace) = &mut self.pace {
                pace.wait(contents.len()).await;
            }
        }
        Ok(self)
    }

    /// Has each instance accept one last batch, of what occurs now.
    async fn finish(mut self) -> Result<(), Trouble> {
        self.times.go_to(now());
        for door in 0..self.doors.count() {
            self.finish_at(door).await?;
        }
        Ok(())
    }

    async fn finish_at(&mut self, door: usize) -> Result<(), Trouble> {
        let deadline = Instant::now() + ACCEPTING_LIMIT;
        loop {
            let to = To::One(door);
            let contents = self.draw(to);
            if self.post(&contents, to).await? == Answer::Accepted {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Trouble(format!(
                    "nothing is accepted again after {ACCEPTING_LIMIT:?}"
                )));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn draw_addressee(&mut self) -> To {
        let has_two = self.doors.count() > 1 && self.demand.is_for_both;
        if has_two && self.rng.random_bool(TO_BOTH) { To::Both } else { To::Any }
    }

    /// Posts a batch, and notes what is answered.
    async fn post(&mut self, contents: &[Content], to: To) -> Result<Answer, Trouble> {
        let wire = Wire::draw(&mut self.rng);
        let form = Form { wire, body: wire.body(contents) };
        let started = Instant::now();
        let (answer, kept_by) = loop {
            let Sending { reply, kept_by } = match to {
                To::One(door) => self.send(door, &form).await?,
                To::Any => self.send_to_any(&form).await?,
                To::Both => self.send_to_both(&form).await?,
            };
            match reply {
                Reply::Answered(answer) => break (answer, kept_by),
                Reply::NotSent if started.elapsed() < ACCEPTING_LIMIT => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Reply::NotSent => {
                    return Err(Trouble(format!("nobody listened for {ACCEPTING_LIMIT:?}")));
                }
            }
        };
        let events = contents.iter().map(Sent::from).collect();
        let while_sent = Span::since(started);
        self.oracle.note(Batch { events, answer, kept_by, while_sent });
        Ok(answer)
    }

    /// At the same moment, or to the second one later.
    async fn send_to_both(&mut self, form: &Form) -> Result<Sending, Trouble> {
        let is_later = self.rng.random_bool(0.5);
        let pause = if is_later { self.rng.random_range(LATER_MS) } else { 0 };
        let second = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.send(1, form).await
        };
        let (first, second) = tokio::join!(self.send(0, form), second);
        let (first, second) = (first?, second?);
        let kept_by = [first.kept_by, second.kept_by].concat();
        Ok(Sending { reply: both([first.reply, second.reply]), kept_by })
    }

    /// Who does not accept is left alone the next time.
    async fn send_to_any(&mut self, form: &Form) -> Result<Sending, Trouble> {
        let count = self.doors.count();
        let sending = self.send(self.door, form).await?;
        let is_accepted = sending.reply == Reply::Answered(Answer::Accepted);
        if count > 1 && (!is_accepted || self.rng.random_bool(ELSEWHERE)) {
            self.door = (self.door + 1) % count;
        }
        Ok(sending)
    }

    /// The status decides; a reply that ends behind it is an answer.
    async fn send(&self, door: usize, form: &Form) -> Result<Sending, Trouble> {
        let disk = self.doors.disk(door);
        let url = format!("{}{}", self.doors.url(door), form.wire.path());
        let reply = |reply| Ok(Sending { reply, kept_by: Vec::new() });
        let response = match self.http.post(url).json(&form.body).send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return reply(Reply::NotSent),
            Err(_) => return reply(Reply::Answered(Answer::None)),
        };
        let status = response.status().as_u16();
        let body = response.text().await.unwrap_or_default();
        match status {
            _ if status == form.wire.accepted() => {
                let reply = Reply::Answered(Answer::Accepted);
                Ok(Sending { reply, kept_by: vec![disk] })
            }
            503 => reply(Reply::Answered(Answer::Refused)),
            _ => Err(Trouble(format!("a batch was answered {status}: {body}"))),
        }
    }

    /// What both are sent has one event of a user: where both write it at the same moment,
    /// each may store a part of it, and what is in it has no order that somebody promises.
    fn draw(&mut self, to: To) -> Vec<Content> {
        self.times.go_on(now(), &mut self.rng);
        let largest = self.demand.largest_batch;
        let size = batch_size(self.pace.as_ref(), largest, &mut self.rng);
        if matches!(to, To::Both) {
            let first = self.rng.random_range(0..self.users.len());
            let users = (first..self.users.len()).chain(0..first).take(size);
            return users.map(|user| self.event_of(user)).collect();
        }
        let event_of_any = |_| {
            let user = self.rng.random_range(0..self.users.len());
            self.event_of(user)
        };
        (0..size).map(event_of_any).collect()
    }

    fn event_of(&mut self, user: usize) -> Content {
        let (user, number) = &mut self.users[user];
        *number += 1;
        let occurred_at = self.times.next(&mut self.rng);
        let mut content = Content::draw(user, *number, occurred_at, &mut self.rng);
        if self.demand.has_poison && self.rng.random_bool(0.01) {
            content.kind = POISON.to_owned();
        }
        content
    }
}

/// In milliseconds since the epoch.
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
