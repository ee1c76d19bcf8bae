//! Who is linked to whom: each accepted event that names a device has to have linked it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Database;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::oracle::{Answer, Batch};
use crate::stored::open;

/// Whose each id is: in the store itself, read past the service.
pub type Links = HashMap<String, String>;

/// In the embedded store's file.
pub fn in_file(file: &Path) -> Result<Links, Trouble> {
    let database = open(file)?;
    let query = "SELECT id, owner FROM people WHERE owner IS NOT NULL";
    let mut statement = database.prepare(query).during("reading links")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.during("reading links")?.collect::<Result<_, _>>().during("reading links")
}

/// In a MongoDB.
pub async fn in_mongodb(database: &Database) -> Result<Links, Trouble> {
    let people = database.collection::<Document>("people");
    let owned = people.find(doc! { "owner": { "$exists": true } }).await.during("reading links")?;
    let rows: Vec<Document> = owned.try_collect().await.during("reading links")?;
    let link = |row: &Document| {
        let text = |name: &str| row.get_str(name).ok().map(str::to_owned);
        Some((text("_id")?, text("owner")?))
    };
    Ok(rows.iter().filter_map(link).collect())
}

/// Counts the accepted events whose device is nobody's or another's, those of batches left
/// aside that were damaged or lost on purpose. A device has one user.
pub fn unlinked(batches: &[Batch], hit: &HashSet<usize>, links: &Links) -> u64 {
    let batches = batches.iter().enumerate().filter(|(place, _)| !hit.contains(place));
    let accepted = batches.filter(|(_, batch)| batch.answer == Answer::Accepted);
    let events = accepted.flat_map(|(_, batch)| &batch.events);
    let is_unlinked =
        |device: &str, user: &str| links.get(device).is_none_or(|owner| owner != user);
    let unlinked = events.filter(|event| {
        event.device.as_deref().is_some_and(|device| is_unlinked(device, &event.user))
    });
    unlinked.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Sent, Span};

    #[test]
    fn an_accepted_event_without_its_link_is_found() {
        let event = |device: Option<&str>| Sent {
            user: "u".to_owned(),
            event_id: "e".to_owned(),
            number: 1,
            occurred_at: 0,
            device: device.map(str::to_owned),
            hash: [0; 16],
        };
        let batch = |answer, device| Batch {
            events: vec![event(device)],
            answer,
            kept_by: vec![0],
            while_sent: Span::now(),
        };
        let batches = [
            batch(Answer::Accepted, Some("linked")),
            batch(Answer::Accepted, Some("another's")),
            batch(Answer::Accepted, Some("nobody's")),
            batch(Answer::None, Some("nobody's")),
            batch(Answer::Accepted, None),
            batch(Answer::Accepted, Some("nobody's")),
        ];
        let links = [("linked", "u"), ("another's", "v")];
        let links = links.map(|(id, user)| (id.to_owned(), user.to_owned())).into();
        assert_eq!(unlinked(&batches, &HashSet::new(), &links), 3);
        assert_eq!(unlinked(&batches, &HashSet::from([5]), &links), 2);
    }
}
