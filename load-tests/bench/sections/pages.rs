//! Page 1,000 of a user with very many events, and that user's first page,
//! against the only page of a user with 100.

use serde_json::{Map, Value};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::bench::{Bench, Site};
use crate::connection::Connection;
use crate::filling::Filling;
use crate::findings::{Findings, Row, Table};
use crate::instance::{Home, Instance};
use crate::numbers::{Samples, milliseconds};
use crate::reading::{PAGE, over_http, page, request};

/// Besides one in each round.
pub const STEPS: u64 = 1;
const LARGE: u32 = 1;
const SMALL: u32 = 2;
/// Beside them, so that the two are not all there is.
const OTHERS: std::ops::Range<u32> = 3..1003;

/// One kind of page, in all rounds.
#[derive(Default)]
struct Kind {
    request: Vec<u8>,
    p50: Samples,
    cpu_us: Samples,
    rounds: Vec<Value>,
}

/// Fills a collection, walks to the page, and measures the three in turns.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let (events, depth) = if bench.arguments.quick { (50_000, 100) } else { (500_000, 1000) };
    bench.progress.step(format!("pages, filling with {events} events of one user"));
    fill(bench, &site, events).await?;
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &[]).await?;
    let cursor = tokio::task::block_in_place(|| walk(&instance, &site.token, depth))?;
    let kind =
        |user, cursor| Kind { request: request(user, cursor, &site.token), ..Kind::default() };
    let mut kinds = [kind(SMALL, None), kind(LARGE, None), kind(LARGE, Some(cursor.as_str()))];
    let reads = if bench.arguments.quick { 200 } else { 1000 };
    for round in 0..=bench.arguments.rounds() {
        if round > 0 {
            bench.progress.step(format!("pages, round {round}"));
        }
        for kind in &mut kinds {
            let requests = std::iter::repeat_n(kind.request.clone(), reads);
            let reads = over_http(&instance, &site.database, requests)?;
            // The first round is a warm-up.
            if round > 0 {
                kind.p50.push(milliseconds(&reads.latency, 0.5));
                kind.cpu_us.push(reads.cpu_us);
                kind.rounds.push(reads.to_json());
            }
        }
    }
    instance.stop().await?;
    Ok(findings(&kinds, events, depth))
}

async fn fill(bench: &Bench, site: &Site, events: u64) -> Result<(), Trouble> {
    let of = |user| user..user + 1;
    let fillings = [(events, of(LARGE)), (u64::from(PAGE), of(SMALL)), (100_000, OTHERS)];
    for (events, users) in fillings {
        let seed = bench.arguments.seed;
        let filling = Filling { events, users, seed: seed + events };
        filling.insert(&site.database, &site.document).await?;
    }
    Ok(())
}

/// The cursor of a page that lies so deep; the first is 1.
fn walk(instance: &Instance, token: &str, depth: u32) -> Result<String, Trouble> {
    let mut connection = Connection::open(instance.address()).during("connecting")?;
    let mut cursor: Option<String> = None;
    for _ in 1..depth {
        let page = page(&mut connection, &request(LARGE, cursor.as_deref(), token))?;
        let next = page["nextCursor"].as_str();
        cursor = next.map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    cursor.ok_or_else(|| Trouble(format!("the journey ends before page {depth}")))
}

fn findings([small, first, deep]: &[Kind; 3], events: u64, depth: u32) -> Findings {
    let deep_name = format!("page {depth} of {events} events");
    let first_name = format!("first page of {events} events");
    let mut table = Table::new("Pages of a journey", &["page", "p50, ms", "service, us"]);
    let mut figures = Map::new();
    let all = [("only page of 100 events", small), (&first_name, first), (&deep_name, deep)];
    for (name, kind) in all {
        table.add(name, &[kind.p50.median(), kind.cpu_us.median()]);
        figures.insert(name.to_owned(), kind.rounds.clone().into());
    }
    let mut rows = Vec::new();
    for (name, kind) in [(&deep_name, deep), (&first_name, first)] {
        let latency = kind.p50.median() / small.p50.median();
        let cpu = kind.cpu_us.median() / small.cpu_us.median();
        rows.push(Row::at_most(format!("{name}, latency"), latency, 1.2, "times"));
        rows.push(Row::at_most(format!("{name}, CPU"), cpu, 1.2, "times"));
    }
    Findings { rows, figures: figures.into(), tables: vec![table], ..Findings::default() }
}
