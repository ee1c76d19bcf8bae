//! The collection `processorCommands`: what people ask of processors. One for all.

use bson::raw::RawDocument;
use bson::spec::BinarySubtype;
use bson::{Binary, Document, RawBsonRef, doc};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::fields::{self, Fields, to_bytes, to_moment, to_text};
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::processing::{Command, MAX_COMMANDS};
use crate::{Outcome, StoreError};

pub const COMMANDS: &str = "processorCommands";

/// The open ones are counted first: those that come at the same moment do not see each
/// other.
pub async fn add(call: &mut Call<'_>, command: &Command) -> Result<bool, StoreError> {
    let gone = doc! { "$lt": fields::date(command.horizon()) };
    remove(call, doc! { "processor": &*command.processor, "answeredAt": gone }).await?;
    let open = doc! { "processor": &*command.processor, "answeredAt": null };
    let commands = call.collection(COMMANDS);
    let open = commands.count_documents(open).session(call.session()).await;
    if open.map_err(|error| store_error(&error))? >= MAX_COMMANDS as u64 {
        return one(call, command.id).await.map(|there| there.is_some());
    }
    let document = fields::raw(&document(command))?;
    match call.insert(COMMANDS, vec![document]).await?.pop() {
        Some(Outcome::Stored | Outcome::Duplicate) => Ok(true),
        Some(Outcome::Refused(refusal)) => Err(StoreError::Denied(refusal.to_string())),
        Some(Outcome::Retry | Outcome::Erased) | None => {
            Err(StoreError::Unavailable("a command was not written this time".to_owned()))
        }
    }
}

/// In the order of their index.
pub async fn all(call: &mut Call<'_>, name: &str) -> Result<Vec<Command>, StoreError> {
    found(call, doc! { "processor": name }).await
}

pub async fn one(call: &mut Call<'_>, id: Uuid) -> Result<Option<Command>, StoreError> {
    Ok(found(call, doc! { "_id": uuid(id) }).await?.pop())
}

async fn found(call: &mut Call<'_>, filter: Document) -> Result<Vec<Command>, StoreError> {
    let mut found = Vec::new();
    let commands = call.collection(COMMANDS);
    let find = commands.find(filter).sort(doc! { "madeAt": 1, "_id": 1 });
    let read = call.each(find, |document| {
        found.push(read(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

pub async fn change(
    call: &mut Call<'_>,
    id: Uuid,
    progress: Option<&str>,
    answer: Option<(Timestamp, &str)>,
) -> Result<bool, StoreError> {
    let mut set = Document::new();
    if let Some(progress) = progress {
        set.insert("progress", progress);
    }
    if let Some((at, answer)) = answer {
        set.extend(doc! { "answeredAt": fields::date(at), "answer": answer });
    }
    // To set nothing is an error to servers before 5.0; what the filter misses is not
    // there to be taken away.
    let change = if set.is_empty() {
        doc! { "$unset": { "answeredAt": "" } }
    } else {
        doc! { "$set": set }
    };
    let open = doc! { "_id": uuid(id), "answeredAt": null };
    let commands = call.collection(COMMANDS);
    let updated = commands.update_one(open, change).session(call.session()).await;
    updated.map(|updated| updated.matched_count > 0).map_err(|error| store_error(&error))
}

pub async fn remove_one(call: &mut Call<'_>, id: Uuid) -> Result<(), StoreError> {
    remove(call, doc! { "_id": uuid(id) }).await
}

pub async fn remove_all(call: &mut Call<'_>, name: &str) -> Result<(), StoreError> {
    remove(call, doc! { "processor": name }).await
}

async fn remove(call: &mut Call<'_>, filter: Document) -> Result<(), StoreError> {
    let commands = call.collection(COMMANDS);
    let deleted = commands.delete_many(filter).session(call.session()).await;
    deleted.map(|_| ()).map_err(|error| store_error(&error))
}

fn uuid(id: Uuid) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: id.into_bytes().to_vec() }
}

pub fn document(command: &Command) -> Document {
    let mut document = doc! {
        "_id": uuid(command.id),
        "processor": &*command.processor,
        "madeAt": fields::date(command.made_at),
        "order": &*command.order,
    };
    if let Some(progress) = &command.progress {
        document.insert("progress", &**progress);
    }
    if let Some(answered_at) = command.answered_at {
        document.insert("answeredAt", fields::date(answered_at));
    }
    if let Some(answer) = &command.answer {
        document.insert("answer", &**answer);
    }
    document
}

fn read(document: &RawDocument) -> Result<Command, StoreError> {
    let fields = Fields::of(document, COMMANDS);
    let to_uuid = |value: RawBsonRef<'_>| to_bytes(value).map(Uuid::from_bytes);
    Ok(Command {
        id: fields.get("_id", to_uuid)?,
        processor: fields.get("processor", to_text)?,
        made_at: fields.get("madeAt", to_moment)?,
        order: fields.get("order", to_text)?,
        progress: fields.optional("progress", to_text)?,
        answered_at: fields.optional("answeredAt", to_moment)?,
        answer: fields.optional("answer", to_text)?,
    })
}
