//! The browser that sends a request, for what its events are given of it.

use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use trailkeep_event::agent::{Agent, clipped};
use trailkeep_event::{Keep, Sender};

use super::peer::Client;
use super::state::Service;
use super::terms::Terms;

/// Copied out of the head, because a part of the head keeps the buffer that it came in.
pub struct Browser {
    keep: Keep,
    agent: Option<Agent>,
    user_agent: Option<String>,
    address: Option<String>,
}

impl Browser {
    /// Of a request; of one that no browser sends nothing is known.
    pub fn of(head: &Parts, service: &Service, terms: &Terms) -> Self {
        let keep = terms.keep;
        let sent = head.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let Some((agent, text)) = sent.and_then(|text| Some((Agent::of(text)?, text))) else {
            return Self { keep, agent: None, user_agent: None, address: None };
        };
        let address = || Client::of(head, service).0.map(|address| address.to_string());
        Self {
            keep,
            agent: Some(agent),
            user_agent: keep.user_agent.then(|| clipped(text).to_owned()),
            address: if keep.address { address() } else { None },
        }
    }

    /// What events are given of it.
    pub fn sender(&self) -> Sender<'_> {
        let Self { keep, agent, user_agent, address } = self;
        Sender {
            keep: *keep,
            agent: *agent,
            user_agent: user_agent.as_deref(),
            address: address.as_deref(),
        }
    }
}
