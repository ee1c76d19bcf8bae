//! `GET /users/{userId}`: what is known of one user.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use trailkeep_event::Timestamp;
use trailkeep_store::StoredEvent;
use utoipa::ToSchema;

use super::guard::MayRead;
use super::journeys::{JourneyEventBody, tell_incomplete};
use super::links::LinkedIdBody;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials, WrongScope};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::action;
use crate::journeys::export;
use crate::journeys::profile::{Device, Profile};

/// Characters of an RFC 3339 time that are its day.
const DAY: usize = 10;

/// What is known of a user. What is not known is left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User, example = json!({
    "userId": "test123",
    "firstSeen": "2025-11-02T08:00:00.000Z", "lastSeen": "2025-12-15T10:30:00.120Z",
    "lastEvent": {
        "eventId": "evt_001", "userId": "test123", "type": "page_view",
        "occurredAt": "2025-12-15T10:30:00.000Z", "receivedAt": "2025-12-15T10:30:00.120Z",
        "payload": {"url": "https://example.com/pricing", "$browser": "Firefox"}
    },
    "lastPage": "https://example.com/pricing",
    "device": {"browser": "Firefox"}, "accountIds": ["acme"],
    "traits": {"name": "Ann Miller", "email": "ann@example.com"},
    "emails": ["ann@example.com"],
    "linkedIds": [{"id": "anon-7", "since": "2025-12-01T09:00:00.000Z"}],
    "activity": [{"day": "2025-12-14", "events": 0}, {"day": "2025-12-15", "events": 12}]
}))]
pub struct UserBody {
    user_id: String,
    /// Up to an hour late where events came out of order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    first_seen: Option<String>,
    /// Up to an hour early where the newest event is not the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_seen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JourneyEventBody>)]
    last_event: Option<Box<RawValue>>,
    /// `url`, else `path`, of the newest `page_view` that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_page: Option<String>,
    /// `message` of the newest `error` that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceBody>,
    /// `timeZone`, `timezone` or `$timezone` of the newest event that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    /// The business accounts of the newest events, the newest first.
    account_ids: Vec<String>,
    /// What `identify` events said: the newest value of each key, as it was sent. What
    /// linked ids said is here where the user's own id said nothing.
    #[schema(value_type = Object)]
    traits: BTreeMap<String, Box<RawValue>>,
    /// The e-mail addresses that were among them, the newest first; at most five earlier
    /// ones of each id.
    emails: Vec<String>,
    /// The ids whose events are in the user's journey; 99 at the most.
    linked_ids: Vec<LinkedIdBody>,
    /// Whose this id is, where it is another's.
    #[serde(skip_serializing_if = "Option::is_none")]
    linked_to: Option<String>,
    /// The stored events of the last 30 days of UTC, the oldest day first. Of more than
    /// 50,000 events the newest are counted: it begins with a later day then, and that one
    /// may have more.
    activity: Vec<DayBody>,
}

/// What the newest event that says so was made on.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceBody {
    /// `$browser`
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<String>,
    /// `$os`
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<String>,
    /// `$device`
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

impl From<Device> for DeviceBody {
    fn from(Device { browser, os, device }: Device) -> Self {
        Self { browser, os, device }
    }
}

/// The events of one day.
#[derive(Serialize, ToSchema)]
#[schema(as = DayOfEvents)]
pub struct DayBody {
    #[schema(format = Date)]
    day: String,
    events: u64,
}

/// What is known of a user
///
/// Of the user's own id and of those that are linked to it. `lastEvent`, `lastPage`,
/// `lastError`, `device`, `timeZone` and `accountIds` are of the newest 500 events, or of
/// as many as have 4 MiB together; an accepted event is among them at once, as in a
/// journey. `activity` counts what is stored.
#[utoipa::path(
    get,
    operation_id = "user",
    path = "/users/{userId}",
    tag = "People",
    security(("session" = []), ("token" = [])),
    params(("userId" = String, Path, description = "1 to 256 bytes.", example = "test123")),
    responses(
        (status = 200, description = "What is known.", body = UserBody,
            headers(("x-trailkeep-incomplete" = String, description = "`true` where accepted \
                events may be missing, as of a journey; left out otherwise."))),
        InvalidParameters, NoCredentials, WrongScope,
        (status = 404, description = "Nothing is known of this id.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn user(
    State(service): State<Arc<Service>>,
    MayRead { reader, .. }: MayRead,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("userId", &user_id);
    parameters.finish()?;
    service.access.audit.note(&reader, action::READ_USER, Some(&user_id));
    let circle = service.links.of(&user_id).await?;
    let profile = service.profiles.of(circle).await?.ok_or_else(Problem::unknown_user)?;
    let mut response = Json(body(&profile)).into_response();
    tell_incomplete(&profile.page, &mut response);
    Ok(response)
}

fn body(profile: &Profile) -> UserBody {
    let glance = &profile.glance;
    let newest = glance.newest.clone();
    let traits = glance.traits.iter().filter_map(|(key, said)| {
        let value = RawValue::from_string(said.value.to_string()).ok()?;
        Some((key.to_string(), value))
    });
    let day = |(day, events): &(Timestamp, u64)| {
        let mut day = day.to_string();
        day.truncate(DAY);
        DayBody { day, events: *events }
    };
    UserBody {
        user_id: profile.circle.person.id.to_string(),
        first_seen: glance.seen.map(|(first, _)| first.to_string()),
        last_seen: glance.seen.map(|(_, last)| last.to_string()),
        last_event: profile.page.events.first().and_then(event),
        last_page: newest.page,
        last_error: newest.error,
        device: newest.device.map(DeviceBody::from),
        time_zone: newest.time_zone,
        account_ids: newest.account_ids.into_iter().map(String::from).collect(),
        traits: traits.collect(),
        emails: glance.emails.iter().map(ToString::to_string).collect(),
        linked_ids: profile.circle.linked.iter().map(LinkedIdBody::from).collect(),
        linked_to: profile.circle.linked_to().map(String::from),
        activity: profile.activity.iter().map(day).collect(),
    }
}

fn event(event: &StoredEvent) -> Option<Box<RawValue>> {
    let mut json = Vec::with_capacity(event.bytes());
    export::write_json(event, &mut json);
    RawValue::from_string(String::from_utf8(json).ok()?).ok()
}
