//! Processors: how those are doing who are sent events.

mod acts;
mod one;
mod replay;

pub use acts::{ask_to_drop, ask_to_remove, ask_to_skip, letter, pause, remove, resume, stuck};
pub use one::page as one;
pub use replay::{ask as ask_to_replay, replay};

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};

use super::frame::{Frame, Part};
use super::page::Page;
use super::sight::{Sight, length};
use super::{links, notice};
use crate::http::guard::Staff;
use crate::http::problem::Problem;
use crate::http::processors::bodies::{ProcessorBody, QuantilesBody};
use crate::http::query::Parameters;
use crate::http::{Service, processors};

const PAGE: &str = "/console/processors";

#[derive(Template)]
#[template(path = "processors.html")]
struct All {
    frame: Frame,
    notice: Option<&'static str>,
    processors: Vec<Processor>,
}

/// A processor, as pages tell it.
struct Processor {
    name: String,
    link: String,
    /// The class of its dot, and its state in words.
    mark: &'static str,
    state: &'static str,
    is_paused: bool,
    problem: Option<String>,
    /// Whether this instance's settings have it.
    is_own: bool,
    delivers_here: bool,
    waiting: u64,
    waits_for: String,
    in_flight: String,
    stuck: u64,
    parked: u64,
    given_up: Option<u64>,
    took: String,
    took_slow: String,
    began: String,
    began_slow: String,
    since_start: Option<(u64, u64, u64)>,
}

impl Processor {
    fn of(body: ProcessorBody) -> Self {
        let (mark, state) = words(&body.state);
        let (took, took_slow) = times(&body.duration_ms);
        let (began, began_slow) = times(&body.wait_ms);
        Self {
            link: link(&body.name),
            mark,
            state,
            is_paused: body.state == "paused",
            problem: body.problem,
            is_own: body.concurrency.is_some(),
            delivers_here: body.delivers_here,
            waiting: body.lag.events,
            waits_for: match body.lag.seconds {
                0 => String::new(),
                seconds => {
                    let ms = i64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
                    format!("the first since {}", length(ms))
                }
            },
            in_flight: match body.concurrency {
                Some(most) => format!("{} of {most}", body.in_flight),
                None => body.in_flight.to_string(),
            },
            stuck: body.stuck_users,
            parked: body.parked_users,
            given_up: body.dead_letters,
            took,
            took_slow,
            began,
            began_slow,
            since_start: body
                .processed
                .zip(body.failed)
                .zip(body.skipped)
                .map(|((processed, failed), skipped)| (processed, failed, skipped)),
            name: body.name,
        }
    }
}

/// The page of a processor.
fn link(name: &str) -> String {
    format!("{PAGE}/{}", links::segment(name))
}

/// The class of a state's dot, and the state in words.
fn words(state: &str) -> (&'static str, &'static str) {
    match state {
        "running" => ("good", "running"),
        "paused" => ("warn", "paused by a person"),
        "away" => ("bad", "does not answer"),
        "refused" => ("bad", "refuses all"),
        "catching-up" => ("warn", "catching up"),
        _ => ("", "nobody delivers"),
    }
}

/// The middle and the slow end.
fn times(quantiles: &QuantilesBody) -> (String, String) {
    let told = |ms: Option<u64>| match ms {
        Some(ms) => length(i64::try_from(ms).unwrap_or(i64::MAX)).to_string(),
        None => "–".to_owned(),
    };
    (told(quantiles.p50), told(quantiles.p95))
}

/// All processors, by name.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let processors = processors::all(&service).await;
    Ok(Page(All {
        processors: processors.into_iter().map(Processor::of).collect(),
        frame: Frame::new(&service, &staff, sight, Part::Processors, "Processors"),
        notice,
    })
    .into_response())
}
