//! Finds people by what somebody typed into one box.
//!
//! The kinds of what is found stand side by side: each is a few seeks into an index and
//! reads no more rows than are wanted, however many there are. What is typed is compared
//! as it is, in any case; nothing in it is a pattern. Account ids alone are compared byte
//! for byte, for their index has them so.
//!
//! Rows are written with the events that they come from. What waiting events say of people
//! is handed in, and found beside the rows; and so are the events themselves, where their
//! payloads are searched.

mod labels;
mod payloads;
mod waiting;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::people::{Matching, PeopleStore, Person, SessionUser, TermKind};
use trailkeep_store::summaries::{AccountStore, QueryError};

use payloads::ByPayload;
pub use payloads::Payloads;
pub use waiting::Waiting;

/// Accounts that are told at the most: each is a seek of its own.
pub const MAX_ACCOUNTS: usize = 5;

/// Rows that are read for several words of a name: those that have the longest of them.
const ROWS_OF_A_WORD: usize = 200;

/// How long the database may look for accounts.
const ACCOUNTS_TIMEOUT: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A user.
    User,
    /// An anonymous id of somebody.
    Anonymous,
    /// A session of a user.
    Session,
    /// A business account.
    Account,
}

/// By what it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// The id of the thing itself.
    Id,
    /// An e-mail address, be it an earlier one.
    Email,
    /// Words of a name.
    Name,
    /// What an event of the user has in its payload at this key.
    Payload(Box<str>),
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: Box<str>,
    /// What a person calls it: of a user the newest name, else the e-mail address, else
    /// the id; of an anonymous id that is linked that of its user; of a session the
    /// user's id; of an account its id.
    pub label: Box<str>,
    /// The e-mail address that begins with the text, else the one in force; `None` where
    /// there is none.
    pub email: Option<Box<str>>,
    /// When the id was seen last, up to an hour late; of a session when it began. An
    /// account has none, and neither has an id that only an administrator spoke of.
    pub last_seen: Option<Timestamp>,
    /// By what it was found.
    pub matched: Matched,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Results {
    /// The best first.
    pub found: Vec<Found>,
    /// Payload keys of the settings that could not be searched, since their indexes are
    /// still being made.
    pub unsearched: Vec<Box<str>>,
}

/// Searches people, their sessions, accounts, and payloads.
pub struct Search {
    people: Arc<dyn PeopleStore>,
    accounts: Arc<dyn AccountStore>,
    payloads: Payloads,
}

impl Search {
    /// Of these stores.
    pub fn new(
        people: Arc<dyn PeopleStore>,
        accounts: Arc<dyn AccountStore>,
        payloads: Payloads,
    ) -> Self {
        Self { people, accounts, payloads }
    }

    /// Whether waiting events are wanted.
    pub fn looks_into_payloads(&self) -> bool {
        !self.payloads.is_empty()
    }

    /// What is found by this text, at most so much, the best first: what is wholly it (an
    /// id, a session, an e-mail address, an account, what an event of a user has at a
    /// payload key), then what begins with it (an e-mail address, an id, words of a name,
    /// accounts). Of one kind those come first who were seen last, and by payloads those
    /// whose event is newest. Each thing comes once, at its best place.
    ///
    /// # Errors
    ///
    /// Where one of the kinds could not be looked for: half an answer would look like a
    /// whole one.
    pub async fn find(
        &self,
        text: &str,
        most: usize,
        waiting: &Waiting,
    ) -> Result<Results, StoreError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let of_waiting = |is: &dyn Fn(&Person) -> bool| {
            waiting.people.iter().filter(|person| is(person)).cloned().collect::<Vec<_>>()
        };
        let term = |kind, matching| self.people.by_term(kind, text, matching, most);
        let payloads = self.payloads.find(&*self.people, text, most, waiting);
        let (ids, whole_ids, session, whole_emails, emails, begun_ids, names, accounts, payloads) =
            tokio::try_join!(
                self.exact(text),
                term(TermKind::Id, Matching::Whole),
                self.people.session_user(text),
                term(TermKind::Email, Matching::Whole),
                term(TermKind::Email, Matching::Prefix),
                term(TermKind::Id, Matching::Prefix),
                self.by_name(&words, most),
                self.accounts(text),
                payloads,
            )?;
        let ByPayload { users, unsearched } = payloads;
        let (whole_accounts, accounts): (Vec<_>, Vec<_>) =
            accounts.into_iter().partition(|account| account == text);
        let mut hits = Hits::new(text, most);
        hits.people(ids, Matched::Id);
        hits.people(whole_ids, Matched::Id);
        hits.people(of_waiting(&|row| *row.id == *text), Matched::Id);
        hits.session(session);
        hits.people(whole_emails, Matched::Email);
        hits.accounts(whole_accounts);
        hits.by_payload(users);
        hits.people(emails, Matched::Email);
        hits.people(of_waiting(&|row| has(row, TermKind::Email, text)), Matched::Email);
        hits.people(begun_ids, Matched::Id);
        hits.people(of_waiting(&|row| has(row, TermKind::Id, text)), Matched::Id);
        hits.people(names, Matched::Name);
        hits.people(of_waiting(&|row| is_called(row, &words)), Matched::Name);
        hits.accounts(accounts);
        Ok(Results { found: self.labelled(hits.found).await?, unsearched })
    }

    async fn exact(&self, id: &str) -> Result<Vec<Person>, StoreError> {
        let rows = self.people.people(&[id]).await?;
        Ok(rows.into_iter().map(|row| row.person).collect())
    }

    /// Rows whose names have a word beginning with each of these.
    async fn by_name(&self, words: &[&str], most: usize) -> Result<Vec<Person>, StoreError> {
        let kind = TermKind::NameWord;
        let Some(longest) = words.iter().copied().max_by_key(|word| word.len()) else {
            return Ok(Vec::new());
        };
        let read = if words.len() > 1 { ROWS_OF_A_WORD.max(most) } else { most };
        let mut rows = self.people.by_term(kind, longest, Matching::Prefix, read).await?;
        rows.retain(|row| is_called(row, words));
        Ok(rows)
    }

    async fn accounts(&self, text: &str) -> Result<Vec<String>, StoreError> {
        let found = self.accounts.accounts_from(text, MAX_ACCOUNTS, ACCOUNTS_TIMEOUT).await;
        let mut accounts = found.map_err(|error| match error {
            QueryError::Store(error) => error,
            late @ QueryError::OutOfTime(_) => StoreError::Unavailable(late.to_string()),
        })?;
        accounts.retain(|account| account.starts_with(text));
        Ok(accounts)
    }
}

fn has(row: &Person, kind: TermKind, text: &str) -> bool {
    row.has_term(kind, text, Matching::Prefix)
}

fn is_called(row: &Person, words: &[&str]) -> bool {
    words.iter().all(|word| has(row, TermKind::NameWord, word))
}

/// A hit, and the row that it is, where it is one.
struct Hit {
    found: Found,
    row: Option<Person>,
}

/// What is found so far, each thing once.
struct Hits<'a> {
    text: &'a str,
    found: Vec<Hit>,
    ids: HashSet<Box<str>>,
    most: usize,
}

impl<'a> Hits<'a> {
    fn new(text: &'a str, most: usize) -> Self {
        Self { text, found: Vec::new(), ids: HashSet::new(), most }
    }

    /// Those who were seen last come first.
    fn people(&mut self, mut rows: Vec<Person>, matched: Matched) {
        let last = |row: &Person| row.seen.map(|seen| seen.last);
        rows.sort_by(|left, right| {
            last(right).cmp(&last(left)).then_with(|| left.id.cmp(&right.id))
        });
        for row in rows {
            self.person(row, matched.clone());
        }
    }

    /// In the order of their events.
    fn by_payload(&mut self, users: Vec<(Person, Box<str>)>) {
        for (row, key) in users {
            self.person(row, Matched::Payload(key));
        }
    }

    fn person(&mut self, row: Person, matched: Matched) {
        if self.found.len() < self.most && self.ids.insert(row.id.clone()) {
            let found = Found {
                kind: kind(&row),
                id: row.id.clone(),
                label: row.id.clone(),
                email: row.email_from(self.text).or_else(|| row.email()),
                last_seen: row.seen.map(|seen| seen.last),
                matched,
            };
            self.found.push(Hit { found, row: Some(row) });
        }
    }

    fn session(&mut self, session: Option<SessionUser>) {
        let Some(session) = session else { return };
        self.add(Found {
            kind: Kind::Session,
            id: session.session_id,
            label: session.user_id,
            email: None,
            last_seen: Some(session.since.moment()),
            matched: Matched::Id,
        });
    }

    fn accounts(&mut self, accounts: Vec<String>) {
        for account in accounts {
            let id: Box<str> = account.into();
            self.add(Found {
                kind: Kind::Account,
                label: id.clone(),
                id,
                email: None,
                last_seen: None,
                matched: Matched::Id,
            });
        }
    }

    /// What can be found in one way only.
    fn add(&mut self, found: Found) {
        if self.found.len() < self.most {
            self.found.push(Hit { found, row: None });
        }
    }
}

/// Whether an id is a user's or an anonymous one. One that was sent as `userId`, and is
/// nobody else's, is taken for a user's: most trackers send a `userId` and nothing else.
fn kind(row: &Person) -> Kind {
    let is_claimed = row.claims.iter().next().is_some();
    let is_users = row.user_since.is_some() || (row.is_named && !is_claimed);
    if is_users { Kind::User } else { Kind::Anonymous }
}
