//! What stands around every page: where one can go, who one is, whether all is well.

use trailkeep_store::access::Role;

use super::sight::Sight;
use crate::http::Service;
use crate::http::guard::Staff;

/// The parts of the console that the top bar leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Find,
    Live,
    Processors,
    SetAside,
    System,
    Connect,
    Staff,
    Keys,
    Audit,
    Elsewhere,
}

/// The frame of one page.
pub struct Frame {
    /// Where it is.
    pub part: Part,
    /// What its window is called.
    pub title: String,
    pub name: String,
    pub email: String,
    pub role: &'static str,
    pub is_admin: bool,
    /// Whether files may be taken along.
    pub may_export: bool,
    pub sight: Sight,
    /// Dead letters, for administrators.
    pub set_aside: u64,
    pub has_processors: bool,
    /// Whether the service is well.
    pub is_well: bool,
    /// Whether the database cannot be reached.
    pub is_away: bool,
    /// Events that wait to be stored.
    pub waiting: usize,
}

impl Frame {
    /// For this person.
    pub fn new(
        service: &Service,
        staff: &Staff,
        sight: Sight,
        part: Part,
        title: impl Into<String>,
    ) -> Self {
        let account = &staff.account;
        let is_admin = account.role == Role::Admin;
        Self {
            part,
            title: title.into(),
            name: account.name.clone(),
            email: account.email.clone(),
            role: match account.role {
                Role::Admin => "administrator",
                Role::Staff => "staff",
                Role::Support => "support",
            },
            is_admin,
            may_export: account.role != Role::Support,
            sight,
            set_aside: service.statistics.dead_letters().unwrap_or_default(),
            has_processors: service.processing.seen().next().is_some(),
            is_well: service.health.is_well(),
            is_away: !service.health.is_connected(),
            waiting: service.ingest.held().events,
        }
    }

    /// The first letters of the first and the last word of the name.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace();
        let first = words.next().and_then(|word| word.chars().next());
        let last = words.next_back().and_then(|word| word.chars().next());
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }

    /// Whether the page is this part.
    pub fn is(&self, part: Part) -> bool {
        self.part == part
    }
}
