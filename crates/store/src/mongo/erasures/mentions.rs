//! Ids that are noted at sessions and at other ids: the server reads each collection once.

use bson::doc;

use crate::erasures::{Mention, Mentions};
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::people::indexes::{PEOPLE, SESSIONS};
use crate::mongo::people::{documents, sessions};
use crate::{Id, StoreError};

pub async fn find(
    call: &mut Call<'_>,
    ids: &[Id],
    limit: usize,
) -> Result<Vec<Mention>, StoreError> {
    let mut mentions = Mentions::of(ids, limit);
    let names: Vec<&str> = ids.iter().map(|id| id.id.as_str()).collect();
    let mut fault = None;
    let any = doc! { "$in": names };
    let at_sessions = doc! { "userId": &any };
    let at_ids = doc! { "$or": [{ "claims.user": &any }, { "decided.user": &any }] };
    for (collection, wanted) in [(SESSIONS, at_sessions), (PEOPLE, at_ids)] {
        let documents = call.collection(collection);
        let find = documents.find(wanted);
        let read = call.each(find, |document| {
            let looked = if collection == SESSIONS {
                sessions::decode(document).map(|session| mentions.look_at_session(session))
            } else {
                documents::decode(document).map(|row| mentions.look_at_person(&row.person))
            };
            fault = looked.err();
            fault.is_none() && mentions.are_wanted()
        });
        read.await.map_err(|error| store_error(&error))?;
        if fault.is_some() || !mentions.are_wanted() {
            break;
        }
    }
    fault.map_or(Ok(mentions.found()), Err)
}
