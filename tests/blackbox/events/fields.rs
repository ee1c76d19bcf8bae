//! The fields of an event, their other names, and what they may hold.

use serde_json::{Value, json};

use crate::home::Home;
use crate::sample;
use crate::service::Service;

/// Each field of the contract, its other names, and a value.
fn aliases() -> Vec<(&'static str, &'static [&'static str], Value)> {
    vec![
        (
            "userId",
            &["user_id", "patientId", "patient_id", "distinctId", "distinct_id"],
            json!("u"),
        ),
        ("anonymousId", &["anonymous_id", "deviceId", "device_id"], json!("v")),
        ("type", &["event"], json!("search")),
        ("sessionId", &["session_id"], json!("s")),
        ("accountId", &["account_id"], json!("acme")),
        ("payload", &["data", "metadata", "properties"], json!({ "q": "shoes" })),
        ("occurredAt", &["timestamp", "ts"], json!("2025-12-15T10:30:00.000Z")),
        ("eventId", &["event_id", "messageId"], json!("e")),
    ]
}

/// An event with every field under the contract's name.
fn full_event() -> Value {
    let fields = aliases();
    let fields = fields.into_iter().map(|(field, _, value)| (field.to_owned(), value));
    Value::Object(fields.collect())
}

#[tokio::test]
async fn every_alias_means_its_field() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (field, names, value) in aliases() {
        for (number, name) in names.iter().enumerate() {
            let id = format!("{field}-{number}");
            let mut event = full_event();
            event["eventId"] = id.clone().into();
            event.as_object_mut().unwrap().remove(field);
            event[*name] = value.clone();
            if field == "eventId" {
                event[*name] = id.clone().into();
            }
            let answer = service.post(&event).await.expect(202);
            assert_eq!(answer.event_ids(), std::slice::from_ref(&id), "{name}");

            let page = service.journey("u", "?limit=1000").await;
            let events = page["events"].as_array().unwrap();
            let mut kept = events
                .iter()
                .find(|event| event["eventId"] == id)
                .unwrap_or_else(|| panic!("{name} was lost"))
                .clone();
            kept.as_object_mut().unwrap().remove("receivedAt");
            let mut expected = full_event();
            expected["eventId"] = id.into();
            assert_eq!(kept, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn a_field_and_its_alias_in_one_event_are_refused_by_name() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (field, names, value) in aliases() {
        for name in names {
            let mut event = full_event();
            event[*name] = value.clone();
            let fault = service.post(&event).await.only_fault();
            assert_eq!(fault.index, Some(0));
            let told = format!("{} {}", fault.field, fault.message);
            assert!(told.contains(field) && told.contains(name), "{told}");
        }
    }
    let two_aliases = json!({ "user_id": "u", "patientId": "u", "type": "search" });
    let fault = service.post(&two_aliases).await.only_fault();
    let told = format!("{} {}", fault.field, fault.message);
    assert!(told.contains("user_id") && told.contains("patientId"), "{told}");
    assert_eq!(service.buffered().await, 0);
}

#[tokio::test]
async fn an_optional_field_that_is_null_counts_as_left_out() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let event = json!({
        "userId": "u", "type": "search", "anonymousId": null, "sessionId": null, "accountId": null,
        "payload": null, "occurredAt": null, "eventId": null,
    });
    service.post(&event).await.expect(202);

    let page = service.journey("u", "").await;

    let kept = page["events"][0].as_object().unwrap();
    assert_eq!(kept["payload"], json!({}));
    assert_eq!(kept["occurredAt"], kept["receivedAt"]);
    let mut names: Vec<_> = kept.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = ["eventId", "occurredAt", "payload", "receivedAt", "type", "userId"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn an_anonymous_id_alone_is_the_user_and_beside_one_is_kept() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("EVENTS_DEFAULT_USER", "nobody")]).await;
    let events = json!([
        { "deviceId": "v", "type": "page_view", "eventId": "before" },
        { "userId": "u", "anonymousId": "v", "type": "page_view", "eventId": "both" },
        { "userId": "u", "anonymousId": "u", "type": "page_view", "eventId": "same" },
        { "type": "page_view", "eventId": "neither" },
    ]);
    service.post(&events).await.expect(202);
    service.wait_until_flushed().await;

    let shown = async |user: &str| {
        let page = service.journey(user, "?order=asc&linked=false").await;
        let events = page["events"].as_array().expect("events").clone();
        let ids = |event: Value| json!([event["eventId"], event["userId"], event["anonymousId"]]);
        events.into_iter().map(ids).collect::<Value>()
    };
    assert_eq!(shown("v").await, json!([["before", "v", "v"]]));
    assert_eq!(shown("u").await, json!([["both", "u", "v"], ["same", "u", null]]));
    assert_eq!(shown("nobody").await, json!([["neither", "nobody", null]]));

    let placeholder = json!({ "userId": "u", "anonymousId": "undefined", "type": "page_view" });
    assert_eq!(service.post(&placeholder).await.only_fault().field, "anonymousId");
}

#[tokio::test]
async fn a_time_may_have_any_offset_or_be_milliseconds() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (number, (sent, kept)) in [
        (json!("2025-12-15T10:30:00Z"), "2025-12-15T10:30:00.000Z"),
        (json!("2025-12-15T00:00:00.5-10:30"), "2025-12-15T10:30:00.500Z"),
        (json!("2025-12-15T10:30:00.123999Z"), "2025-12-15T10:30:00.123Z"),
        (json!("1969-12-31T23:59:59.999Z"), "1969-12-31T23:59:59.999Z"),
        (json!(1_765_794_600_123_i64), "2025-12-15T10:30:00.123Z"),
        (json!(0), "1970-01-01T00:00:00.000Z"),
        (json!(-1), "1969-12-31T23:59:59.999Z"),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("u{number}");
        let mut event = sample::event(&user, "e");
        event["occurredAt"] = sent.clone();
        service.post(&event).await.expect(202);
        let page = service.journey(&user, "").await;
        assert_eq!(page["events"][0]["occurredAt"], kept, "{sent}");
    }
}

#[tokio::test]
async fn any_type_is_accepted_and_a_list_narrows_it() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let of_type = |kind: &str| json!({ "userId": "u", "type": kind });
    for kind in ["page_view", "search", "Page View", "größe", &"x".repeat(64)] {
        service.post(&of_type(kind)).await.expect(202);
    }
    assert_eq!(service.post(&of_type(&"x".repeat(65))).await.only_fault().field, "type");
    assert_eq!(service.terminate().await.code, Some(0));

    let service = Service::start_with(&home, &[("EVENTS_TYPES", "search,Page View")]).await;
    let of_the_tracker = [
        "session_start",
        "page_view",
        "page_leave",
        "button_click",
        "form_submit",
        "error",
        "identify",
        "group",
        "alias",
    ];
    for kind in ["search", "Page View"].into_iter().chain(of_the_tracker) {
        service.post(&of_type(kind)).await.expect(202);
    }
    for kind in ["purchase", "Search", "page view", "größe"] {
        let fault = service.post(&of_type(kind)).await.only_fault();
        assert_eq!(fault.field, "type");
        assert!(fault.message.contains("Page View") && fault.message.contains("alias"));
    }
}

#[tokio::test]
async fn a_default_user_takes_the_events_that_name_none() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("EVENTS_DEFAULT_USER", "nobody")]).await;
    service.post(&json!({ "type": "search", "eventId": "e" })).await.expect(202);
    assert_eq!(service.journey_ids("nobody", "").await, ["e"]);
}

#[tokio::test]
async fn lengths_up_to_the_limit_are_accepted_and_beyond_it_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (field, limit) in [
        ("userId", 256),
        ("anonymousId", 256),
        ("sessionId", 256),
        ("accountId", 256),
        ("eventId", 128),
    ] {
        let mut event = sample::event("u", "e");
        event[field] = "é".repeat(limit / 2).into();
        service.post(&event).await.expect(202);
        event[field] = format!("{}x", "é".repeat(limit / 2)).into();
        let fault = service.post(&event).await.only_fault();
        assert_eq!((fault.index, fault.field.as_str()), (Some(0), field));
        event[field] = "".into();
        assert_eq!(service.post(&event).await.only_fault().field, field);
        event[field] = 5.into();
        assert_eq!(service.post(&event).await.only_fault().field, field);
    }
}
