//! What may be sent, as the documentation shows it. `event::wire` reads it.

use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};

/// One event as it is sent. Each field has other names under which it is
/// taken as well; any further field is refused.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Event)]
#[allow(dead_code)] // describes the wire
pub struct EventBody {
    /// Whose event it is: 1 to 256 bytes. Also `user_id`, `patientId`,
    /// `patient_id`, `distinctId`, `distinct_id`. May be left out where
    /// `anonymousId` is given, or a default user is configured.
    #[schema(min_length = 1, max_length = 256, example = "test123")]
    user_id: Option<String>,
    /// Under which the visitor was known before: 1 to 256 bytes. Also
    /// `anonymous_id`, `deviceId`, `device_id`. Without a `userId` it is the user.
    #[schema(min_length = 1, max_length = 256, example = "d-7f3a")]
    anonymous_id: Option<String>,
    /// What happened, one of the configured types: 1 to 64 bytes. Also `event`.
    #[schema(min_length = 1, max_length = 64, example = "page_view")]
    r#type: String,
    /// The visit: 1 to 256 bytes. Also `session_id`.
    #[schema(min_length = 1, max_length = 256, example = "s-42")]
    session_id: Option<String>,
    /// The business account: 1 to 256 bytes. Also `account_id`.
    #[schema(min_length = 1, max_length = 256)]
    account_id: Option<String>,
    /// Your own data: at most 32 KiB as JSON and 32 levels deep. Also `data`,
    /// `metadata`, `properties`.
    #[schema(value_type = Option<Object>, example = json!({"path": "/pricing"}))]
    payload: Option<()>,
    /// When it happened: RFC 3339 with any offset, or whole milliseconds since
    /// the epoch; the time of receipt when left out. Also `timestamp`, `ts`.
    #[schema(schema_with = time_schema)]
    occurred_at: Option<()>,
    /// Your id for the event, unique within its user: 1 to 128 bytes, best a
    /// UUID of version 7; made by the service when left out. An event sent
    /// again with the same id is stored once. Also `event_id`, `messageId`.
    #[schema(min_length = 1, max_length = 128)]
    event_id: Option<String>,
}

/// A time as it may be sent.
fn time_schema() -> RefOr<Schema> {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let millis = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    let time = OneOfBuilder::new()
        .item(text)
        .item(millis)
        .examples([json!("2025-12-15T10:30:00.000Z"), json!(1_765_794_600_000_i64)])
        .build();
    RefOr::T(Schema::OneOf(time))
}

/// Events with the time at which they were sent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Envelope)]
#[allow(dead_code)] // describes the wire
pub struct EnvelopeBody {
    /// 1 to 1,000 events.
    events: Vec<EventBody>,
    /// When the envelope was sent, by the sender's clock. Where that is more than 5 s (and
    /// less than ten years) off the service's, each `occurredAt` is moved by the difference.
    #[schema(schema_with = time_schema)]
    sent_at: Option<()>,
}

/// What a request may hold.
#[derive(ToSchema)]
#[schema(as = Events)]
#[serde(untagged)]
#[allow(dead_code)] // describes the wire
pub enum EventsBody {
    /// One event.
    One(EventBody),
    /// 1 to 1,000 events.
    Many(Vec<EventBody>),
    /// 1 to 1,000 events in an envelope.
    Envelope(EnvelopeBody),
}
