//! Administrators join ids to users, and separate them.
//!
//! What they say is a decision in the id's row, which stands above what events say, and
//! the later of two stands. Links stay one deep: nobody is joined to an id that belongs to
//! another, and nobody is joined away who has ids joined to them. Two administrators who
//! say such things in one moment may get past that; a journey then has what is two deep
//! and no more, and either can be separated again.

use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::people::{Decision, Person};

use super::{Circle, Links, MOST_IDS, Waiting, is_joined};

/// Why an id was not joined to a user, or not separated.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// It is the user itself.
    #[error("an id cannot be joined to itself")]
    Itself,
    /// The user is another one's.
    #[error("the user belongs to {0}")]
    BelongsTo(Box<str>),
    /// Others are joined to the id, such as this one.
    #[error("{0} is joined to the id")]
    HasJoined(Box<str>),
    /// The id is not the user's.
    #[error("the id does not belong to the user")]
    NotLinked,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Links {
    /// Joins an id to a user, whoever's it was, and tells whose ids are the user's then.
    pub async fn join(
        &self,
        user: &str,
        id: &str,
        (by, now): (&str, Timestamp),
    ) -> Result<Circle, JoinError> {
        if user == id {
            return Err(JoinError::Itself);
        }
        let waiting = Waiting(self.ingest.saying());
        let (users, ids) =
            tokio::join!(self.rows(user, &waiting, MOST_IDS), self.rows(id, &waiting, MOST_IDS));
        let (users, ids) = (users?, ids?);
        if let Some(other) = users.get(user).and_then(belongs_to) {
            return Err(JoinError::BelongsTo(other));
        }
        if let Some(joined) = ids.values().find(|row| is_joined(row, id) && *row.id != *id) {
            return Err(JoinError::HasJoined(joined.id.clone()));
        }
        self.decide(ids.get(id), id, Some(user), (by, now)).await?;
        Ok(self.of(user).await?)
    }

    /// Separates an id from a user: it is nobody's then, whatever events say. Tells whose
    /// ids are the user's after that.
    pub async fn separate(
        &self,
        user: &str,
        id: &str,
        (by, now): (&str, Timestamp),
    ) -> Result<Circle, JoinError> {
        let waiting = Waiting(self.ingest.saying());
        let rows = self.rows(id, &waiting, MOST_IDS).await?;
        let row = rows.get(id);
        let link = row.and_then(Person::link).ok_or(JoinError::NotLinked)?;
        if *link.user != *user {
            // Or of somebody who is joined to the user.
            let others = self.rows(&link.user, &waiting, MOST_IDS).await?;
            if !others.get(&link.user).is_some_and(|other| is_joined(other, user)) {
                return Err(JoinError::NotLinked);
            }
        }
        self.decide(row, id, None, (by, now)).await?;
        Ok(self.of(user).await?)
    }

    /// Where somebody whose clock is ahead has decided before, this comes a moment after:
    /// or it would change nothing.
    async fn decide(
        &self,
        row: Option<&Person>,
        id: &str,
        user: Option<&str>,
        (by, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        let before = row.and_then(|row| row.decided.as_ref()).map(|before| before.at);
        let at = before.map_or(now, |before| now.max(before.plus_millis(1)));
        let decision = Decision { at, by: by.into(), user: user.map(Into::into) };
        self.store.merge_in(&[Person::new(id).decided(decision)]).await
    }
}

/// Whose the id is. One whose link ended because it turned out to be a user's own is its
/// own from then on.
fn belongs_to(row: &Person) -> Option<Box<str>> {
    let link = row.link()?;
    (link.until.is_none() || row.user_since.is_none()).then_some(link.user)
}
