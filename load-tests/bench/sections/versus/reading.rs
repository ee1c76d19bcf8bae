//! How long the newest hundred events of a user take to read.

use std::time::Instant;

use reqwest::Client;
use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::peer::Peer;
use super::running::Running;
use super::site::Site;
use crate::connection::Connection;
use crate::instance::make_token;
use crate::numbered::{self, Numbered};
use crate::numbers::Samples;

const USERS: u32 = 100;
const EVENTS: u32 = 200;
/// Events of a request.
const TOGETHER: u32 = 100;
/// Each user a few times.
const READS: u32 = 500;
const KIND: &str = "read";

/// The median in milliseconds, one after the other over one connection; `None` where nobody
/// reads.
pub async fn measure(site: &Site, running: &Running) -> Result<Option<f64>, Trouble> {
    if !running.peer().has_database() {
        return Ok(None);
    }
    tokio::task::block_in_place(|| fill(running))?;
    site.kept(running).settle().await?;
    let http = Client::builder().no_proxy().build().during("an HTTP client")?;
    let token = match running.peer() {
        Peer::Trailkeep => Some(make_token(&http, running.address(), running.folder()).await?),
        _ => None,
    };
    let mut took = Samples::default();
    for read in 0..READS {
        let path = format!("/users/{}/journey?limit=100", name(read * 7 % USERS));
        let mut request = http.get(running.url(&path));
        if let Some(token) = &token {
            request = request.bearer_auth(token);
        }
        let began = Instant::now();
        let answer = request.send().await.during(&path)?.error_for_status().during(&path)?;
        let body = answer.bytes().await.during(&path)?;
        took.push(began.elapsed().as_secs_f64() * 1000.0);
        let page: Value = serde_json::from_slice(&body).during(&path)?;
        let found = page["events"].as_array().map_or(0, Vec::len);
        if found != 100 {
            return Err(Trouble(format!("{path} has {found} events")));
        }
    }
    Ok(Some(took.median()))
}

fn name(user: u32) -> String {
    format!("reader-{user:03}")
}

/// Users take turns, so that no user's events lie together.
fn fill(running: &Running) -> Result<(), Trouble> {
    let mut connection = Connection::open(running.address()).during("connecting")?;
    let names: Vec<String> = (0..USERS).map(name).collect();
    for first in (0..USERS * EVENTS).step_by(TOGETHER as usize) {
        let events = (first..first + TOGETHER).map(|number| {
            let user = names[(number % USERS) as usize].as_str();
            Numbered { user, kind: KIND, number }
        });
        numbered::post(&mut connection, &numbered::request(events))?;
    }
    Ok(())
}
