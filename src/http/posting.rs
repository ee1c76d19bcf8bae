//! What requests with events have in common, whichever form they have: their bodies are read
//! within the same limits, and they are refused for the same reasons.

use axum::body::{Body, HttpBody as _};
use trailkeep_event::wire;

use super::body::{self, BodyError, BodyLimits, Encoding, Held};
use super::problem::Problem;
use super::state::Service;
use super::terms::Terms;
use crate::ingest::NotAdmitted;
use crate::ingest::quota::Tenant;
use crate::monitoring::statistics::RefusedBecause;

/// Why a request was refused, and what is answered.
pub type Refused = (RefusedBecause, Problem);

/// The body.
pub async fn read(
    service: &Service,
    terms: &Terms,
    mut body: Body,
    encoding: Encoding,
) -> Result<Held, Refused> {
    let limits = BodyLimits {
        max_bytes: terms.max_body_bytes,
        timeout: terms.receive_timeout,
        budget: &service.bodies,
    };
    // What the client announces: encoded it is no longer than decoded.
    if body.size_hint().lower() > limits.max_bytes as u64 {
        body::linger(&mut body).await;
        return Err(unreadable(terms, BodyError::TooLarge));
    }
    body::read(body, encoding, limits).await.map_err(|error| unreadable(terms, error))
}

/// Makes sure that there is room for what comes of a body, so many bytes at the most.
pub async fn room_for(terms: &Terms, held: &mut Held, most_bytes: usize) -> Result<(), Refused> {
    held.room_for(most_bytes).await.map_err(|error| unreadable(terms, error))
}

/// Why a body could not be read.
pub fn unreadable(terms: &Terms, error: BodyError) -> Refused {
    let (reason, problem) = match error {
        BodyError::TooLarge => {
            (RefusedBecause::TooLarge, Problem::body_too_large(terms.max_body_bytes))
        }
        BodyError::TimedOut | BodyError::GaveWay => {
            (RefusedBecause::Incomplete, Problem::body_timeout())
        }
        BodyError::NoRoom => (RefusedBecause::TooManyBodies, Problem::too_many_bodies()),
        BodyError::Broken(reason) => (RefusedBecause::Incomplete, Problem::broken_body(&reason)),
    };
    (reason, problem.closing())
}

/// An answer that is given before the body is read. The body is read away, so
/// that the client can go on using the connection; where that would take long, or
/// cost much, the connection ends, and the client is told.
pub async fn unread(terms: &Terms, mut body: Body, problem: Problem) -> Problem {
    if body::pass_over(&mut body, terms.max_body_bytes).await { problem } else { problem.closing() }
}

/// Why events were not admitted.
pub fn not_admitted(service: &Service, refusal: &NotAdmitted) -> Refused {
    match refusal {
        NotAdmitted::Full => (RefusedBecause::BufferFull, Problem::buffer_full()),
        NotAdmitted::TooLarge => {
            let limit = service.ingest.limit();
            (RefusedBecause::TooLarge, Problem::batch_too_large(limit))
        }
        NotAdmitted::NotWritten => (RefusedBecause::NotWritten, Problem::not_written()),
        NotAdmitted::OverShare(over) => {
            let problem = Problem::over_share(over, service.ingest.shares());
            if over.is_for_good {
                return (RefusedBecause::TooLarge, problem);
            }
            count_over_share(service, &over.tenant);
            (RefusedBecause::OverShare, problem)
        }
    }
}

fn count_over_share(service: &Service, tenant: &Tenant) {
    let counts = &service.statistics.over_share;
    match tenant {
        Tenant::Account(account) => counts.account(account),
        Tenant::Key(name) => counts.key(name),
    }
}

/// What is wrong with a body, or with what is in it.
pub fn at_fault(refusal: wire::Refusal) -> Refused {
    let reason = match refusal {
        wire::Refusal::TooMany { .. } => RefusedBecause::TooLarge,
        wire::Refusal::Syntax { .. } | wire::Refusal::Faulty { .. } => RefusedBecause::Invalid,
    };
    (reason, Problem::from(refusal))
}
