//! How much ids did by day, counted by the server from the index of journeys alone.
//!
//! Each id is a branch of an `$or`, which is one scan, newest first; the server merges
//! what they give. Everything is in the index: the day is made of `occurredAt`, and
//! the bound of a link is one of `arrival`. So the server looks at as many keys as it
//! counts, at two more for each id and each period, and at no document.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::Hint;
use trailkeep_event::{Arrival, Timestamp};

use super::connection::Link;
use super::errors::store_error;
use super::layout::{Layout, lacks_index};
use super::periods::Periods;
use super::query;
use super::store::MongoStore;
use super::summaries::{count, date};
use crate::StoreError;
use crate::activity::{Activity, ActivityStore, latest_before};

/// What is counted.
struct Count<'a> {
    ids: &'a [(String, Option<Arrival>)],
    from: Timestamp,
    /// Events at the most.
    limit: u64,
}

#[async_trait]
impl ActivityStore for MongoStore {
    async fn activity(
        &self,
        ids: &[(String, Option<Arrival>)],
        from: Timestamp,
        most: u64,
    ) -> Result<Activity, StoreError> {
        // One more tells that there are more.
        let wanted = Count { ids, from, limit: most.saturating_add(1) };
        if ids.is_empty() {
            return Ok(Activity::of_newest(BTreeMap::new(), most));
        }
        self.read(async {
            let link = self.link().await?;
            for layout in self.layout.candidates() {
                match self.days(link, layout, &wanted).await {
                    Err(error) if lacks_index(&error) => {}
                    Err(error) => return Err(store_error(&error)),
                    Ok(days) => {
                        layout.inspect(|layout| self.layout.set(*layout));
                        return Ok(Activity::of_newest(days, most));
                    }
                }
            }
            Err(StoreError::Unavailable("the indexes of journeys change all the time".to_owned()))
        })
        .await
    }
}

impl MongoStore {
    /// By the index of a layout, or, without one, as the server likes.
    async fn days(
        &self,
        link: &Link,
        layout: Option<Layout>,
        wanted: &Count<'_>,
    ) -> Result<BTreeMap<Timestamp, u64>, Error> {
        let by = layout.unwrap_or(Layout::ByUser);
        let events = link.events::<Document>();
        let mut aggregate = events
            .aggregate(wanted.stages(by, &self.calendar.known()))
            .max_time(self.settings.timeouts.read);
        if layout.is_some() {
            aggregate = aggregate.hint(Hint::Keys(by.keys()));
        }
        let mut cursor = aggregate.await?;
        let mut days = BTreeMap::new();
        while cursor.advance().await? {
            let group = cursor.deserialize_current()?;
            if let Ok(day) = group.get_datetime("_id") {
                let day = Timestamp::from_millis_clamped(day.timestamp_millis());
                days.insert(day, count(&group, "events"));
            }
        }
        Ok(days)
    }
}

impl Count<'_> {
    fn stages(&self, layout: Layout, periods: &Periods) -> [Document; 4] {
        let newest_first = match layout {
            Layout::ByUser => doc! { "occurredAt": -1 },
            // No event is later than one of a later period.
            Layout::ByPeriod => doc! { "period": -1, "occurredAt": -1 },
        };
        let day = doc! { "$dateTrunc": { "date": "$occurredAt", "unit": "day" } };
        [
            doc! { "$match": self.filter(layout, periods) },
            doc! { "$sort": newest_first },
            doc! { "$limit": i64::try_from(self.limit).unwrap_or(i64::MAX) },
            doc! { "$group": { "_id": day, "events": { "$sum": 1 } } },
        ]
    }

    fn filter(&self, layout: Layout, periods: &Periods) -> Document {
        let ids = self.ids.iter();
        let branches = ids.map(|(id, until)| self.branch(id, *until, layout, periods));
        doc! { "$or": branches.collect::<Vec<_>>() }
    }

    fn branch(
        &self,
        id: &str,
        until: Option<Arrival>,
        layout: Layout,
        periods: &Periods,
    ) -> Document {
        let end_of_time = Timestamp::from_millis_clamped(i64::MAX);
        let latest = until.map_or(end_of_time, latest_before);
        let mut branch = doc! {
            "userId": id,
            "occurredAt": { "$gte": date(self.from), "$lte": date(latest) },
        };
        if let Some(until) = until {
            // No number is before any, but `$lt` does not match it.
            branch.insert("arrival", doc! { "$not": { "$gte": until.as_i64() } });
        }
        if layout == Layout::ByPeriod {
            branch.insert("period", query::periods(self.from, latest, periods));
        }
        branch
    }
}
