//! Journeys, read with each index by the bare driver.

use std::time::{Duration, Instant};

use bson::{Bson, DateTime, Document, doc};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::data::{Inserter, People, TYPES};
use super::layouts::{DAY, windows};
use crate::batch::user_name;
use crate::processes::Cpu;
use crate::reading::{FIRST, LAST, PAGE, Reads};
use crate::tally::latency_histogram;

/// Requests of a kind, once to warm up and once that count.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub requests: u64,
    /// No more are begun after so long: of some kinds one takes seconds.
    pub patience: Duration,
}

/// A kind of request for the newest events.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Busy,
    Regular,
    Rare,
    Nobody,
    /// Of the busy user, up to the middle of the time.
    BusyFromTheMiddle,
    /// Of the busy user, of 30 days from the middle on.
    BusyMonth,
    /// Of a type that every other event has.
    RegularOfType,
    /// Of a session that nobody had: all of a user's events are looked at.
    RegularOfNoSession,
    /// Of so many rare users together.
    RareIds(usize),
    /// Of all users whose ids begin alike.
    Prefix,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 11] = [
        Self::Busy,
        Self::Regular,
        Self::Rare,
        Self::Nobody,
        Self::BusyFromTheMiddle,
        Self::BusyMonth,
        Self::RegularOfType,
        Self::RegularOfNoSession,
        Self::RareIds(5),
        Self::RareIds(20),
        Self::Prefix,
    ];

    /// As it stands in the tables.
    pub fn name(self) -> String {
        let name = match self {
            Self::Busy => "busy user",
            Self::Regular => "regular user",
            Self::Rare => "rare user",
            Self::Nobody => "nobody",
            Self::BusyFromTheMiddle => "busy user, from the middle",
            Self::BusyMonth => "busy user, a month in the middle",
            Self::RegularOfType => "regular user, half by type",
            Self::RegularOfNoSession => "regular user, no such session",
            Self::RareIds(ids) => return format!("{ids} rare ids"),
            Self::Prefix => "ids with a prefix",
        };
        name.to_owned()
    }

    /// What `userId` is to be.
    fn user(self, people: People, rng: &mut ChaCha8Rng) -> Bson {
        let user = match self {
            Self::Busy | Self::BusyFromTheMiddle | Self::BusyMonth => People::busy(),
            Self::Regular | Self::RegularOfType | Self::RegularOfNoSession => People::regular(rng),
            Self::Rare => people.rare(rng),
            Self::Nobody => people.nobody(rng),
            Self::RareIds(ids) => {
                let ids: Vec<String> = (0..ids).map(|_| user_name(people.rare(rng))).collect();
                return Bson::Document(doc! { "$in": ids });
            }
            // A hundred users.
            Self::Prefix => {
                return Bson::Document(doc! { "$gte": "user-00001", "$lt": "user-00002" });
            }
        };
        Bson::String(user_name(user))
    }
}

/// What the requests of a kind took.
pub struct Read {
    pub reads: Reads,
    /// Events on a page, on average.
    pub events: f64,
    /// Whether the server gathers all that it finds and sorts it.
    pub is_sorted: bool,
    /// Whether there was no time for all requests.
    pub is_cut: bool,
}

impl Read {
    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        let mut json = self.reads.to_json();
        json["events"] = json!(self.events);
        json["sorted"] = json!(self.is_sorted);
        json
    }
}

/// Reads, first to warm up.
pub async fn measure(inserter: &Inserter, kind: Kind, amount: Amount) -> Result<Read, Trouble> {
    let question = Question::of(inserter, kind);
    let mut rng = ChaCha8Rng::seed_from_u64(inserter.seed);
    question.ask_often(inserter, amount, &mut rng).await?;
    let mut read = question.ask_often(inserter, amount, &mut rng).await?;
    read.is_sorted = question.is_sorted(inserter, &mut rng).await?;
    Ok(read)
}

/// What is the same in all requests of a kind.
struct Question {
    kind: Kind,
    /// Conditions for `period`, asked for one after the other until the page is
    /// full; one `None` where there are no periods.
    windows: Vec<Option<Document>>,
    occurred_at: Document,
    further: Document,
    sort: Document,
}

impl Question {
    fn of(inserter: &Inserter, kind: Kind) -> Self {
        let newest = inserter.newest();
        let (begin, month) = (inserter.course.begin, 30 * i64::try_from(DAY).unwrap_or(0));
        let middle = begin.midpoint(newest);
        let (from, to) = match kind {
            Kind::BusyFromTheMiddle => (None, Some(middle)),
            Kind::BusyMonth => (Some(middle), Some(middle + month)),
            _ => (None, None),
        };
        let date = |millis: i64| Bson::DateTime(DateTime::from_millis(millis));
        let mut sort = doc! { "occurredAt": -1, "arrival": -1 };
        let windows = match (inserter.periods, kind) {
            (None, _) => vec![None],
            (Some(periods), Kind::RareIds(ids)) => {
                let all = periods.between(begin, newest);
                let within = |window: &[i64]| {
                    let dates: Vec<Bson> = window.iter().map(|&period| date(period)).collect();
                    Some(doc! { "$in": dates })
                };
                windows(&all, ids).map(within).collect()
            }
            (Some(periods), _) => {
                sort = doc! { "period": -1, "occurredAt": -1, "arrival": -1 };
                let from = from.map_or(Bson::MinKey, |from| date(periods.of(from)));
                let mut bounds = doc! { "$gte": from };
                if let Some(to) = to {
                    bounds.insert("$lte", date(periods.of(to)));
                }
                vec![Some(bounds)]
            }
        };
        Self {
            kind,
            windows,
            occurred_at: doc! {
                "$gte": date(from.unwrap_or(FIRST)),
                "$lte": date(to.unwrap_or(LAST)),
            },
            further: match kind {
                Kind::RegularOfType => doc! { "type": TYPES[1] },
                Kind::RegularOfNoSession => doc! { "sessionId": "of nobody" },
                _ => Document::new(),
            },
            sort,
        }
    }

    fn filter(&self, window: Option<&Document>, user: &Bson) -> Document {
        let mut filter = Document::new();
        if let Some(window) = window {
            filter.insert("period", window.clone());
        }
        filter.insert("userId", user.clone());
        filter.insert("occurredAt", self.occurred_at.clone());
        filter.extend(self.further.clone());
        filter
    }

    #[allow(clippy::cast_precision_loss)] // thousands
    async fn ask_often(
        &self,
        inserter: &Inserter,
        amount: Amount,
        rng: &mut ChaCha8Rng,
    ) -> Result<Read, Trouble> {
        let database = &inserter.database;
        let mut latency = latency_histogram()?;
        let mut events = 0;
        let before = (Cpu::own()?, Cpu::of(database.pid())?);
        let began = Instant::now();
        while latency.len() < amount.requests
            && (latency.is_empty() || began.elapsed() < amount.patience)
        {
            let user = self.kind.user(inserter.people, rng);
            let started = Instant::now();
            events += self.ask(inserter, &user).await?;
            let took = started.elapsed().as_micros();
            latency.saturating_record(u64::try_from(took).unwrap_or(u64::MAX));
        }
        let own = Cpu::own()?.since(&before.0);
        let mongod = Cpu::of(database.pid())?.since(&before.1);
        let is_cut = latency.len() < amount.requests;
        let events = events as f64 / latency.len() as f64;
        Ok(Read { reads: Reads::new(latency, own, mongod), events, is_sorted: false, is_cut })
    }

    /// Reads one page, and gives how many events are on it.
    async fn ask(&self, inserter: &Inserter, user: &Bson) -> Result<u64, Trouble> {
        let mut left = PAGE;
        for window in &self.windows {
            let mut cursor = inserter
                .database
                .events()
                .find(self.filter(window.as_ref(), user))
                .sort(self.sort.clone())
                .limit(i64::from(left))
                .batch_size(left + 1)
                .await
                .during("finding")?;
            while cursor.advance().await.during("finding")? {
                std::hint::black_box(cursor.current());
                left = left.saturating_sub(1);
            }
            if left == 0 {
                break;
            }
        }
        Ok(u64::from(PAGE - left))
    }

    async fn is_sorted(&self, inserter: &Inserter, rng: &mut ChaCha8Rng) -> Result<bool, Trouble> {
        let user = self.kind.user(inserter.people, rng);
        let window = self.windows.first().and_then(Option::as_ref);
        let find = doc! {
            "find": "events",
            "filter": self.filter(window, &user),
            "sort": self.sort.clone(),
            "limit": i64::from(PAGE),
        };
        let command = doc! { "explain": find, "verbosity": "queryPlanner" };
        let answer = inserter.database.handle().run_command(command).await;
        let answer = answer.during("explaining a read")?;
        let plan = answer
            .get_document("queryPlanner")
            .and_then(|planner| planner.get_document("winningPlan"));
        plan.map(sorts).during("the plan of a read")
    }
}

/// Whether a stage of a plan gathers what it gets and sorts it.
fn sorts(stage: &Document) -> bool {
    stage.get_str("stage").is_ok_and(|name| name == "SORT")
        || stage.values().any(|value| match value {
            Bson::Document(below) => sorts(below),
            Bson::Array(all) => all.iter().filter_map(Bson::as_document).any(sorts),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_merges_does_not_sort() {
        let merges = doc! { "stage": "LIMIT", "inputStage": {
            "stage": "SORT_MERGE", "inputStages": [{ "stage": "IXSCAN" }],
        } };
        assert!(!sorts(&merges));
        let sorting = doc! { "queryPlan": { "stage": "FETCH", "inputStage": { "stage": "SORT" } } };
        assert!(sorts(&sorting));
    }
}
