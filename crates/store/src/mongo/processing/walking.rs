//! Events in the order of their identities, and users in that of their ids.
//!
//! No index has all users in order, for the index of journeys begins with a period. So
//! its keys are read in each period, from one user on, a thousand at a time, and each
//! time from behind the last user: what one has beyond that is not come to. To go over
//! all users reads each key about once, in pages that are not small; a `$group` reads
//! all that are left for each page. Measured on 6.0.5 with a million events of 50,000
//! users in one period, in pages of 1,000 (CPU of the server): 0.9 s for all 50 pages;
//! with a `$group` 0.8 s for the first page, and 0.4 s for the one in the middle.

use std::collections::BTreeSet;

use bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::Hint;
use trailkeep_event::StoreId;

use super::fields::{self, Fields, batch_of, to_id};
use super::reading::Source;
use crate::StoreError;
use crate::mongo::causal::Call;
use crate::mongo::connection::EVENTS;
use crate::mongo::documents;
use crate::mongo::errors::store_error;
use crate::mongo::layout::{Layout, lacks_index};
use crate::processing::EventHead;

/// Keys of the index of journeys in one answer.
const CHUNK: usize = 1_000;

/// Between the two ends of our identities: those of other tools are of another type.
pub async fn walk(
    call: &mut Call<'_>,
    after: Option<StoreId>,
    limit: usize,
) -> Result<Vec<EventHead>, StoreError> {
    let fields_of_heads = doc! {
        "userId": 1, "eventId": 1, "type": 1, "occurredAt": 1, "receivedAt": 1, "arrival": 1,
    };
    let collection = call.collection(EVENTS);
    let mut heads: Vec<EventHead> = Vec::new();
    let mut last = after;
    // Again where some could not be read.
    while heads.len() < limit {
        let wanted = limit - heads.len();
        let mut ids = match last {
            Some(id) => doc! { "$gt": fields::id(&id) },
            None => doc! { "$gte": fields::id(&StoreId::from_bytes([0; 16])) },
        };
        ids.insert("$lte", fields::id(&StoreId::from_bytes([0xff; 16])));
        let find = collection
            .find(doc! { "_id": ids })
            .sort(doc! { "_id": 1 })
            .projection(fields_of_heads.clone())
            .limit(i64::try_from(wanted).unwrap_or(i64::MAX))
            .batch_size(batch_of(wanted));
        let mut seen = 0;
        let read = call.each(find, |document| {
            seen += 1;
            last = Fields::of(document, EVENTS).get("_id", to_id).ok().or(last);
            let user_id = document.get_str("userId").unwrap_or_default();
            match documents::read_event(document, user_id) {
                Ok(event) => heads.push(event.into()),
                Err(fault) => {
                    tracing::warn!(user_id, "a document in {EVENTS} is passed over: {fault}");
                }
            }
            true
        });
        read.await.map_err(|error| store_error(&error))?;
        if seen < wanted {
            break;
        }
    }
    Ok(heads)
}

pub async fn users_after(
    call: &mut Call<'_>,
    source: &Source<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Box<str>>, StoreError> {
    for layout in source.layout.candidates() {
        let found = match layout {
            Some(layout) => Index { source, layout }.users_after(call, after, limit).await,
            None => grouped(call, source, after, limit).await,
        };
        match found {
            Err(error) if lacks_index(&error) => {}
            Err(error) => return Err(store_error(&error)),
            Ok(users) => {
                layout.inspect(|layout| source.layout.set(*layout));
                return Ok(users);
            }
        }
    }
    Err(StoreError::Unavailable("the indexes of journeys change all the time".to_owned()))
}

/// An index of journeys, which is read between two of its keys.
struct Index<'a> {
    source: &'a Source<'a>,
    layout: Layout,
}

impl Index<'_> {
    async fn users_after(
        &self,
        call: &mut Call<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Box<str>>, Error> {
        let mut lowest = BTreeSet::new();
        let mut period = match self.layout {
            Layout::ByUser => Some(Bson::Null),
            Layout::ByPeriod => self.period_after(call, Bson::MinKey).await?,
        };
        while let Some(of) = period {
            self.add_users(call, &of, after, limit, &mut lowest).await?;
            period = match self.layout {
                Layout::ByUser => None,
                Layout::ByPeriod => self.period_after(call, of).await?,
            };
        }
        Ok(lowest.into_iter().collect())
    }

    /// The next period that has any event.
    async fn period_after(&self, call: &mut Call<'_>, period: Bson) -> Result<Option<Bson>, Error> {
        let from = self.key(&period, Bson::MaxKey, Bson::MaxKey);
        let mut found = None;
        let events = call.collection(EVENTS);
        let find = events
            .find(doc! {})
            .projection(doc! { "_id": 0, "period": 1 })
            .hint(Hint::Keys(self.layout.keys()))
            .min(from)
            .max_time(self.source.timeout)
            .limit(1);
        call.each(find, |document| {
            found = Some(Document::try_from(document));
            true
        })
        .await?;
        let found = found.transpose()?;
        Ok(found.map(|mut key| key.remove("period").unwrap_or(Bson::Null)))
    }

    /// Adds the users of a period, as far as they are among the lowest.
    async fn add_users(
        &self,
        call: &mut Call<'_>,
        period: &Bson,
        after: Option<&str>,
        limit: usize,
        lowest: &mut BTreeSet<Box<str>>,
    ) -> Result<(), Error> {
        let mut from = match after {
            Some(user) => self.key(period, user.into(), Bson::MaxKey),
            None => self.key(period, "".into(), Bson::MinKey),
        };
        // A document comes behind every text.
        let to = self.key(period, doc! {}.into(), Bson::MinKey);
        loop {
            let mut keys = 0;
            let mut last: Option<Box<str>> = None;
            let events = call.collection(EVENTS);
            let find = events
                .find(doc! {})
                .projection(doc! { "_id": 0, "userId": 1 })
                .sort(self.layout.keys())
                .hint(Hint::Keys(self.layout.keys()))
                .min(from)
                .max(to.clone())
                .max_time(self.source.timeout)
                .limit(CHUNK as i64)
                .batch_size(batch_of(CHUNK));
            call.each(find, |key| {
                keys += 1;
                if let Ok(user) = key.get_str("userId")
                    && last.as_deref() != Some(user)
                {
                    lowest.insert(user.into());
                    last = Some(user.into());
                }
                true
            })
            .await?;
            while lowest.len() > limit {
                lowest.pop_last();
            }
            // Where the lowest are full without it, all others come behind them.
            match last.filter(|user| lowest.len() < limit || lowest.contains(user)) {
                Some(last) if keys == CHUNK => {
                    from = self.key(period, (*last).into(), Bson::MaxKey);
                }
                _ => return Ok(()),
            }
        }
    }

    /// A place in the index: before all of a user, or behind.
    fn key(&self, period: &Bson, user: Bson, rest: Bson) -> Document {
        let of_user = doc! { "userId": user, "occurredAt": rest.clone(), "arrival": rest };
        match self.layout {
            Layout::ByUser => of_user,
            Layout::ByPeriod => doc! { "period": period }.into_iter().chain(of_user).collect(),
        }
    }
}

/// Without an index, as the server likes.
async fn grouped(
    call: &mut Call<'_>,
    source: &Source<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Box<str>>, Error> {
    let above = match after {
        Some(user) => doc! { "$gt": user },
        None => doc! { "$gte": "" },
    };
    let users = [
        doc! { "$match": { "userId": above } },
        doc! { "$group": { "_id": "$userId" } },
        doc! { "$sort": { "_id": 1 } },
        doc! { "$limit": i64::try_from(limit).unwrap_or(i64::MAX) },
    ];
    let mut cursor = call
        .collection(EVENTS)
        .aggregate(users)
        .allow_disk_use(true)
        .batch_size(batch_of(limit))
        .max_time(source.timeout)
        .session(call.session())
        .await?;
    let mut found = Vec::new();
    while cursor.advance(call.session()).await? {
        found.extend(cursor.current().get_str("_id").ok().map(Box::from));
    }
    Ok(found)
}
