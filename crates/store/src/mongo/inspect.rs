//! A look at the server and at what it has of ours, which changes nothing.

use std::time::Instant;

use bson::{Document, doc};
use mongodb::IndexModel;
use trailkeep_event::Timestamp;

use super::connection::{EVENTS, Link};
use super::errors::store_error;
use super::indexes::there::name_of;
use super::indexes::{existing, has_old_journey, serves_events, wanted_of_events};
use super::layout::{Layout, is_mongos};
use super::{MongoStore, access, dead_letters, erasures, payloads, people, processing, takeover};
use crate::dead_letters::DeadLetterStore as _;
use crate::inspection::{Clocks, Indexes, Inspection, Replacing};
use crate::payloads::{PayloadKey, PayloadStore as _, PayloadValue};
use crate::timeouts::in_time;
use crate::{Retention, StoreError};

/// The index that every collection has.
const OF_IDS: &str = "_id_";

impl MongoStore {
    /// Looks at it, and at the indexes of these payload keys. Nothing is made that is
    /// missing.
    ///
    /// # Errors
    ///
    /// The server does not answer in the time of a read, or refuses us.
    pub async fn inspect(&self, keys: &[PayloadKey]) -> Result<Inspection, StoreError> {
        in_time(self.settings.timeouts.read, async {
            let link = self.link().await?;
            // The first answer waits for the connection.
            ask(link, "ping").await?;
            let asked = Instant::now();
            ask(link, "ping").await?;
            let latency = asked.elapsed();
            let before = Timestamp::now();
            let hello = ask(link, "hello").await?;
            let clocks = clocks(&hello, before, Timestamp::now());
            let build = ask(link, "buildInfo").await?;
            Ok(Inspection {
                server: format!("MongoDB {}", build.get_str("version").unwrap_or("?")),
                topology: topology(&hello),
                durability: durability(link.write_concern()),
                latency,
                clocks,
                indexes: self.look_at_indexes(link, Layout::wanted(&hello), keys).await?,
                dead_letters: self.count().await?,
            })
        })
        .await
    }

    async fn look_at_indexes(
        &self,
        link: &Link,
        layout: Layout,
        keys: &[PayloadKey],
    ) -> Result<Indexes, StoreError> {
        let mut indexes = look_at_indexes(link, layout, &self.settings.retention).await?;
        indexes.unwanted.retain(|there| keys.iter().all(|key| key.as_str() != there));
        // One that is being built is among those that are there.
        for key in keys {
            let Some(any) = PayloadValue::typed("1") else { continue };
            match self.by_payload(key, &any, 1).await? {
                Some(_) => indexes.present += 1,
                None => indexes.unsearched.push(key.as_str().to_owned()),
            }
        }
        Ok(indexes)
    }
}

async fn ask(link: &Link, command: &str) -> Result<Document, StoreError> {
    let answer = link.database().run_command(doc! { command: 1 }).await;
    answer.map_err(|error| store_error(&error))
}

/// The server's clock is compared with ours half-way through the question.
fn clocks(hello: &Document, before: Timestamp, after: Timestamp) -> Option<Clocks> {
    let server = Timestamp::from_millis(hello.get_datetime("localTime").ok()?.timestamp_millis())?;
    let half = (after.as_millis() - before.as_millis()) / 2;
    Some(Clocks { server, own: Timestamp::from_millis_clamped(before.as_millis() + half) })
}

fn topology(hello: &Document) -> String {
    if is_mongos(hello) {
        return "sharded cluster".to_owned();
    }
    let Ok(set) = hello.get_str("setName") else { return "standalone server".to_owned() };
    let members = hello.get_array("hosts").map_or(0, Vec::len);
    let is_primary = hello.get_bool("isWritablePrimary").unwrap_or_default();
    let role = if is_primary { "the primary answers" } else { "another than the primary answers" };
    format!("replica set {set} of {members}, {role}")
}

fn durability(concern: &Document) -> String {
    let acknowledged = concern.get("w").map_or_else(
        || "majority".to_owned(),
        |w| match w {
            bson::Bson::String(word) => word.clone(),
            other => other.to_string(),
        },
    );
    let is_journaled = concern.get_bool("j").unwrap_or_default();
    format!("w: {acknowledged}, j: {is_journaled}")
}

async fn look_at_indexes(
    link: &Link,
    mut layout: Layout,
    retention: &Retention,
) -> Result<Indexes, StoreError> {
    let mut indexes = Indexes::default();
    let events = existing(link, EVENTS).await.map_err(|error| store_error(&error))?;
    if layout == Layout::ByPeriod && has_old_journey(&events) {
        indexes.replacing = Some(Replacing { progress: takeover::progress(link).await });
        // The new one is neither missing nor somebody else's.
        layout = Layout::ByUser;
    }
    let is_new = |index: &IndexModel| index.keys == Layout::ByPeriod.keys();
    let is_replacing = indexes.replacing.is_some();
    let of_payloads = events.iter().filter_map(payloads::key_of).map(str::to_owned);
    indexes.unwanted = of_payloads.collect();
    let is_judged =
        |index: &IndexModel| !(is_replacing && is_new(index)) && payloads::key_of(index).is_none();
    let events: Vec<_> = events.into_iter().filter(is_judged).collect();
    compare(&mut indexes, EVENTS, &events, &wanted_of_events(layout, retention), serves_events);
    let mut others = vec![(
        dead_letters::DEAD_LETTERS.to_owned(),
        dead_letters::wanted(retention),
        dead_letters::serves as fn(&IndexModel, &IndexModel) -> bool,
    )];
    for (collection, wanted) in access::indexes::wanted() {
        others.push((collection.to_owned(), wanted, access::indexes::does_the_same));
    }
    for (collection, wanted) in people::wanted(retention) {
        others.push((collection.to_owned(), wanted, dead_letters::serves));
    }
    let (collection, wanted) = erasures::wanted();
    others.push((collection.to_owned(), wanted, dead_letters::serves));
    let of_processing = processing::wanted(link, retention).await;
    for (collection, wanted) in of_processing.map_err(|error| store_error(&error))? {
        others.push((collection, wanted, dead_letters::serves));
    }
    for (collection, wanted, serves) in others {
        let there = existing(link, &collection).await.map_err(|error| store_error(&error))?;
        compare(&mut indexes, &collection, &there, &wanted, serves);
    }
    Ok(indexes)
}

/// Notes which of the wanted indexes of a collection there are, and which others.
/// `serves` says whether the first is as good as the second.
fn compare(
    indexes: &mut Indexes,
    collection: &str,
    existing: &[IndexModel],
    wanted: &[IndexModel],
    serves: fn(&IndexModel, &IndexModel) -> bool,
) {
    for index in wanted {
        if existing.iter().any(|other| serves(other, index)) {
            indexes.present += 1;
        } else {
            indexes.missing.push(format!("{collection}.{}", name(index)));
        }
    }
    for other in existing {
        let is_ours = name(other) == OF_IDS || wanted.iter().any(|index| serves(other, index));
        if !is_ours {
            indexes.others.push(format!("{collection}.{}", name(other)));
        }
    }
}

fn name(index: &IndexModel) -> &str {
    name_of(index).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_a_server_says_of_itself_becomes_a_sentence() {
        assert_eq!(topology(&doc! { "isWritablePrimary": true }), "standalone server");
        let set = doc! { "setName": "rs0", "hosts": ["a", "b", "c"], "isWritablePrimary": true };
        assert_eq!(topology(&set), "replica set rs0 of 3, the primary answers");
        assert_eq!(topology(&doc! { "msg": "isdbgrid" }), "sharded cluster");
        assert_eq!(durability(&doc! { "w": "majority", "j": true }), "w: majority, j: true");
        assert_eq!(durability(&doc! { "w": 2, "j": true }), "w: 2, j: true");
    }

    #[test]
    fn the_servers_clock_is_compared_with_ours_half_way() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let hello = doc! { "localTime": bson::DateTime::from_millis(5_000) };
        let clocks = clocks(&hello, at(1_000), at(1_200)).unwrap();
        assert_eq!((clocks.server, clocks.own), (at(5_000), at(1_100)));
    }
}
