//! What stands around every page: where one can go, who one is, whether all is well.

use trailkeep_store::access::{Role, StaffAccount};

use super::numbers::counted;
use super::sight::{Sight, When};
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::health::failing_since;

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
    Team,
    Audit,
    Privacy,
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
    /// Since when, where that is known.
    pub away_since: Option<When>,
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
        let frame = Self::while_away(service, sight, part, title);
        frame.of(&staff.account)
    }

    /// For somebody of whom it is only known that they were signed in when the database
    /// could last be asked.
    pub fn while_away(
        service: &Service,
        sight: Sight,
        part: Part,
        title: impl Into<String>,
    ) -> Self {
        let is_away = !service.health.is_connected();
        let since = failing_since(service).filter(|_| is_away);
        Self {
            part,
            title: title.into(),
            name: "You".to_owned(),
            email: "not looked up while the database is away".to_owned(),
            role: "",
            is_admin: false,
            may_export: false,
            away_since: since.map(|since| sight.since(since)),
            sight,
            set_aside: service.statistics.dead_letters().unwrap_or_default(),
            has_processors: service.processing.seen().next().is_some(),
            is_well: service.health.is_well(),
            is_away,
            waiting: service.ingest.held().events,
        }
    }

    fn of(self, account: &StaffAccount) -> Self {
        Self {
            name: account.name.clone(),
            email: account.email.clone(),
            role: match account.role {
                Role::Admin => "administrator",
                Role::Staff => "staff",
                Role::Support => "support",
            },
            is_admin: account.role == Role::Admin,
            may_export: account.role != Role::Support,
            ..self
        }
    }

    /// The first letters of the first and the last word of the name.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace();
        let first = words.next().and_then(|word| word.chars().next());
        let last = words.next_back().and_then(|word| word.chars().next());
        first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
    }

    /// How many events wait, as the beginning of a sentence.
    pub fn what_waits(&self) -> String {
        counted(u64::try_from(self.waiting).unwrap_or(u64::MAX), "event waits", "events wait")
    }

    /// Whether the page is this part.
    pub fn is(&self, part: Part) -> bool {
        self.part == part
    }
}
