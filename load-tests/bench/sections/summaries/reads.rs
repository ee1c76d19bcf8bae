//! Summaries from a service that has nothing else to do.

use bson::Document;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::asking::{MAX_TOP, TOP, ask, ask_at_once, request};
use crate::bench::Site;
use crate::connection::Connection;
use crate::database::Database;
use crate::instance::Instance;
use crate::numbers::Samples;
use crate::profile::{self, Explained};
use crate::reading::over_http;
use crate::seeding::{Account, Seeding, whale};

/// Who ask for the same at one moment.
pub const CROWD: usize = 200;
/// Events of an ordinary account, about.
const ORDINARY: u64 = 10_000;
/// Ordinary accounts that are asked for: those that come nearest to that.
const ACCOUNTS: usize = 20;
/// Requests for a summary that is kept.
const KEPT: usize = 1000;
/// Of the events that were seeded, how many at least a summary must count: the
/// first of them leave the last seven days while others are measured.
const COUNTED: f64 = 0.95;

/// Whoever asks.
pub struct Reader<'a> {
    instance: &'a Instance,
    site: &'a Site,
    connection: Connection,
}

/// Summaries that the service did not have yet.
#[derive(Default)]
pub struct Cold {
    /// Milliseconds of each.
    pub ms: Samples,
    /// Events in each.
    totals: Vec<u64>,
}

/// What came of many who asked at once.
pub struct Crowd {
    /// Aggregations that the server ran meanwhile.
    pub aggregations: Vec<Document>,
    /// Milliseconds until the last had its answer.
    pub took_ms: f64,
}

impl<'a> Reader<'a> {
    /// Connects.
    pub fn of(instance: &'a Instance, site: &'a Site) -> Result<Self, Trouble> {
        Ok(Self {
            instance,
            site,
            connection: Connection::open(instance.address()).during("connecting")?,
        })
    }

    /// The whale's summary, the very first one and so many others.
    pub fn whale(&mut self, others: u32) -> Result<Cold, Trouble> {
        let mut cold = Cold::default();
        // The last `top` is for the crowd.
        for top in (TOP..MAX_TOP).take(1 + others as usize) {
            self.cold(&whale(), top, &mut cold)?;
        }
        Ok(cold)
    }

    /// A summary of each of some ordinary accounts.
    pub fn ordinary(&mut self, seeding: &Seeding) -> Result<Cold, Trouble> {
        let mut accounts = tokio::task::block_in_place(|| seeding.ordinary_accounts())?;
        accounts.sort_by_key(|Account { events, .. }| events.abs_diff(ORDINARY));
        accounts.truncate(ACCOUNTS);
        let mut cold = Cold::default();
        for account in &accounts {
            let counted = self.cold(&account.id, TOP, &mut cold)?;
            check(account, counted)?;
        }
        Ok(cold)
    }

    fn cold(&mut self, account: &str, top: u32, cold: &mut Cold) -> Result<u64, Trouble> {
        let request = request(account, top, &self.site.token);
        let asked = tokio::task::block_in_place(|| ask(&mut self.connection, &request));
        let (took, total) = asked?;
        cold.ms.push(took.as_secs_f64() * 1000.0);
        cold.totals.push(total);
        Ok(total)
    }

    /// Has many ask for one summary of the whale, which is kept from then on;
    /// gives the request for it as well.
    pub async fn crowd(&self) -> Result<(Crowd, Vec<u8>), Trouble> {
        let request = request(&whale(), MAX_TOP, &self.site.token);
        profile::begin(&self.site.database).await?;
        let took = ask_at_once(self.instance.address(), CROWD, &request).await?;
        let crowd = Crowd {
            aggregations: profile::end(&self.site.database).await?,
            took_ms: took.as_secs_f64() * 1000.0,
        };
        Ok((crowd, request))
    }

    /// Milliseconds of the service's CPU for a summary that it has.
    pub fn cached(&self, request: &[u8]) -> Result<f64, Trouble> {
        let requests = std::iter::repeat_n(request.to_vec(), KEPT);
        let reads = over_http(self.instance, &self.site.database, requests)?;
        Ok(reads.cpu_us / 1000.0)
    }
}

/// A summary must count what was seeded, or another thing is measured.
#[allow(clippy::cast_precision_loss)] // far below
fn check(account: &Account, counted: u64) -> Result<(), Trouble> {
    if counted as f64 >= account.events as f64 * COUNTED && counted <= account.events {
        return Ok(());
    }
    Err(Trouble(format!(
        "{} events of {} were seeded, and {counted} counted",
        account.events, account.id
    )))
}

impl Crowd {
    /// The plan of what was run for it.
    pub async fn explain(&self, database: &Database) -> Result<Explained, Trouble> {
        let ran = self.aggregations.first();
        let ran = ran.ok_or_else(|| Trouble("the server ran no aggregation".to_owned()))?;
        profile::explain(database, ran).await
    }
}

impl Cold {
    /// Events in the one in the middle.
    pub fn events(&self) -> u64 {
        let mut totals = self.totals.clone();
        totals.sort_unstable();
        totals.get(totals.len() / 2).copied().unwrap_or_default()
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({ "ms": self.ms.to_json(), "events": self.totals })
    }
}
