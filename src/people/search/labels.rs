//! What a person calls what was found.

use std::collections::HashMap;

use trailkeep_store::StoreError;
use trailkeep_store::people::{Person, Trait};

use super::{Found, Hit, Kind, Search};

/// The keys of a whole name, and of its parts in their order.
const WHOLE: &str = "name";
const PARTS: [[&str; 2]; 2] = [["firstName", "first_name"], ["lastName", "last_name"]];

impl Search {
    /// Gives each row its label. The users of anonymous ids are read at one go.
    pub(super) async fn labelled(&self, hits: Vec<Hit>) -> Result<Vec<Found>, StoreError> {
        let user_of = |hit: &Hit| match hit.found.kind {
            Kind::Anonymous => hit.row.as_ref().and_then(Person::link).map(|link| link.user),
            Kind::User | Kind::Session | Kind::Account => None,
        };
        let mut ids: Vec<Box<str>> = hits.iter().filter_map(user_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
        let users = self.people.people(&ids).await?;
        let users: HashMap<Box<str>, Person> =
            users.into_iter().map(|row| (row.person.id.clone(), row.person)).collect();
        let labelled = hits.into_iter().map(|hit| {
            let label = match (user_of(&hit), &hit.row) {
                (Some(user), _) => users.get(&user).and_then(name).unwrap_or(user),
                (None, Some(row)) => name(row).unwrap_or_else(|| row.id.clone()),
                (None, None) => return hit.found,
            };
            Found { label, ..hit.found }
        });
        Ok(labelled.collect())
    }
}

/// The newest name, else the e-mail address.
fn name(row: &Person) -> Option<Box<str>> {
    let text = |key: &&str| {
        let said: &Trait = row.traits.get(key)?;
        let text = row.traits.text(key)?;
        let text = text.trim();
        (!text.is_empty()).then(|| (said.said, text.to_owned()))
    };
    let whole = text(&WHOLE);
    let parts: Vec<_> = PARTS
        .iter()
        .filter_map(|keys| keys.iter().filter_map(text).max_by_key(|(said, _)| *said))
        .collect();
    let parted = parts.iter().map(|(said, _)| *said).max().map(|said| {
        let texts: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
        (said, texts.join(" "))
    });
    // Of one event the whole name says more than its parts.
    let newest = [parted, whole].into_iter().flatten().max_by_key(|(said, _)| *said);
    newest.map(|(_, text)| text.into()).or_else(|| row.email())
}
