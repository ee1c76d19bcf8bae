//! Requests that were refused, as a person reads them.

use crate::console::refused::{sender, why};
use crate::console::sight::{Sight, When};
use crate::monitoring::refusals::Group;

/// Requests that were refused alike.
pub struct Refused {
    pub reason: &'static str,
    /// Who sent them.
    pub sender: String,
    pub agent: Option<String>,
    pub count: u64,
    pub first: When,
    pub last: When,
    /// Of one of them: fields and what was wrong with each.
    pub faults: Vec<(String, String)>,
}

/// The groups, in their order.
pub fn groups(groups: Vec<Group>, sight: &Sight) -> Vec<Refused> {
    let told = groups.into_iter().map(|group| Refused {
        reason: why(group.reason),
        sender: sender(&group.sender),
        agent: group.example.agent,
        count: group.count,
        first: sight.ago(group.first),
        last: sight.ago(group.last),
        faults: group.example.faults,
    });
    told.collect()
}
