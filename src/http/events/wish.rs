//! What a post is to come to, by its query.

use trailkeep_event::Fault;

use crate::http::problem::Problem;
use crate::http::query::Parameters;

/// What the sender of events wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// That they are accepted.
    Accept,
    /// That they are in the database before the answer: `wait=stored`.
    Stored,
    /// To know what is wrong with them, and nothing else: `check=true`.
    Check,
}

impl Wish {
    /// As the query says. Other parameters are let pass: pages append some against
    /// caches.
    pub fn of(query: Option<&str>) -> Result<Self, Problem> {
        let mut parameters = Parameters::parse(query);
        let (check, wait) = (parameters.text("check"), parameters.text("wait"));
        let mut faults = Vec::new();
        if !matches!(check.as_deref(), None | Some("true" | "false")) {
            faults.push(Fault::of("check", "must be \"true\" or \"false\", or left out"));
        }
        if !matches!(wait.as_deref(), None | Some("stored")) {
            faults.push(Fault::of("wait", "must be \"stored\", or left out"));
        }
        if !faults.is_empty() {
            return Err(Problem::invalid_parameters(faults));
        }
        Ok(match (check.as_deref(), wait) {
            (Some("true"), _) => Self::Check,
            (_, Some(_)) => Self::Stored,
            _ => Self::Accept,
        })
    }
}
