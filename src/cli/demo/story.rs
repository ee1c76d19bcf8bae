//! One customer with a story: she came from an advertisement, was nobody for a while,
//! signed up, came back, and cannot pay.

use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Event, Payload, StoreId, Timestamp};
use uuid::Uuid;

const USER: &str = "u_48213";
const ANONYMOUS: &str = "019a6d91-04fe-7309-b31f-384c717c4e37";
const ACCOUNT: &str = "birch-studio";

const PAYLOAD: PayloadLimits = PayloadLimits { max_bytes: 4096, max_depth: 8 };

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Who it is known to be when something happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Visitor,
    /// The event that says who the visitor is.
    Both,
    User,
}

/// How many seconds ago, who, in which visit, what.
type Step = (i64, Who, &'static str, &'static str, &'static str);

const STORY: [Step; 29] = [
    (
        18 * DAY,
        Who::Visitor,
        "v1",
        "session_start",
        r#"{"campaign":"autumn-lamps","medium":"paid","$browser":"Firefox","$os":"Windows"}"#,
    ),
    (
        18 * DAY - 2,
        Who::Visitor,
        "v1",
        "page_view",
        r#"{"path":"/lamps","title":"Lamps for every room"}"#,
    ),
    (18 * DAY - 40, Who::Visitor, "v1", "search", r#"{"query":"arc lamp","results":12}"#),
    (18 * DAY - 75, Who::Visitor, "v1", "page_view", r#"{"path":"/lamps/arc-floor-lamp"}"#),
    (18 * DAY - 200, Who::Visitor, "v1", "page_leave", r#"{"path":"/lamps/arc-floor-lamp"}"#),
    (
        11 * DAY,
        Who::Visitor,
        "v2",
        "session_start",
        r#"{"referrer":"https://search.example/","$browser":"Firefox","$os":"Windows"}"#,
    ),
    (11 * DAY - 3, Who::Visitor, "v2", "page_view", r#"{"path":"/lamps/arc-floor-lamp"}"#),
    (11 * DAY - 60, Who::Visitor, "v2", "form_submit", r#"{"form":"sign-up","fields":4}"#),
    (
        11 * DAY - 61,
        Who::Both,
        "v2",
        "identify",
        r#"{"traits":{"name":"Mara Lind","email":"m.lind@example.org","plan":"studio","timeZone":"Europe/Stockholm"}}"#,
    ),
    (11 * DAY - 90, Who::User, "v2", "page_view", r#"{"path":"/account"}"#),
    (
        3 * DAY,
        Who::User,
        "v3",
        "session_start",
        r#"{"campaign":"newsletter-48","medium":"email","$browser":"Firefox","$os":"Windows"}"#,
    ),
    (3 * DAY - 5, Who::User, "v3", "page_view", r#"{"path":"/account/profile"}"#),
    (
        3 * DAY - 50,
        Who::User,
        "v3",
        "identify",
        r#"{"traits":{"email":"mara.lind@example.com","newsletter":true}}"#,
    ),
    (3 * DAY - 80, Who::User, "v3", "page_view", r#"{"path":"/lamps"}"#),
    (3 * DAY - 101, Who::User, "v3", "button_click", r#"{"button":"More photos","path":"/lamps"}"#),
    (3 * DAY - 102, Who::User, "v3", "button_click", r#"{"button":"More photos","path":"/lamps"}"#),
    (3 * DAY - 103, Who::User, "v3", "button_click", r#"{"button":"More photos","path":"/lamps"}"#),
    (
        3 * DAY - 300,
        Who::User,
        "v3",
        "upload_failed",
        r#"{"reason":"file too large","size":9000000}"#,
    ),
    (
        17 * MINUTE,
        Who::User,
        "v4",
        "session_start",
        r#"{"referrer":"https://mail.example/","$browser":"Firefox","$os":"Windows"}"#,
    ),
    (17 * MINUTE - 1, Who::User, "v4", "page_view", r#"{"path":"/lamps/arc-floor-lamp"}"#),
    (
        15 * MINUTE,
        Who::User,
        "v4",
        "add_to_cart",
        r#"{"name":"Arc floor lamp","price":189.0,"currency":"EUR"}"#,
    ),
    (14 * MINUTE, Who::User, "v4", "page_view", r#"{"path":"/cart","items":1}"#),
    (7 * MINUTE, Who::User, "v4", "page_view", r#"{"path":"/checkout/delivery","from":"/cart"}"#),
    (
        6 * MINUTE,
        Who::User,
        "v4",
        "form_submit",
        r#"{"form":"delivery","method":"standard","fields":7}"#,
    ),
    (
        5 * MINUTE,
        Who::User,
        "v4",
        "page_view",
        r#"{"path":"/checkout/payment","from":"/checkout/delivery"}"#,
    ),
    (
        4 * MINUTE + 17,
        Who::User,
        "v4",
        "button_click",
        r#"{"button":"Pay now","path":"/checkout/payment"}"#,
    ),
    (
        4 * MINUTE,
        Who::User,
        "v4",
        "payment_failed",
        r#"{"error":"card_declined","attempt":2,"total":189.0,"currency":"EUR","card":{"last4":"0341","country":"SE","reusable":false},"cart":["Arc floor lamp"],"help":"https://pay.example.com/help/51"}"#,
    ),
    (2 * MINUTE, Who::User, "v4", "support_chat_opened", r#"{"topic":"payment","waiting":3}"#),
    (
        7,
        Who::User,
        "v4",
        "page_view",
        r#"{"path":"/checkout/payment","from":"/checkout/delivery"}"#,
    ),
];

/// Her events, as if they had come when they happened.
pub fn of_mara(now: Timestamp) -> Vec<Event> {
    STORY.iter().map(|step| event(step, now)).collect()
}

fn event((ago, who, visit, kind, payload): &Step, now: Timestamp) -> Event {
    let at = now.plus_millis(-ago * 1000);
    let user = if *who == Who::Visitor { ANONYMOUS } else { USER };
    let event_id = Uuid::now_v7().to_string();
    Event {
        id: StoreId::derive(user, &event_id),
        user_id: user.into(),
        anonymous_id: (*who != Who::User).then(|| ANONYMOUS.into()),
        event_id: event_id.into(),
        kind: (*kind).into(),
        session_id: Some(format!("mara-{visit}").into()),
        account_id: Some(ACCOUNT.into()),
        payload: Payload::from_json(payload.as_bytes(), PAYLOAD)
            .unwrap_or_else(|_| Payload::empty()),
        occurred_at: at,
        received_at: at.plus_millis(212),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn her_story_goes_forward_and_each_payload_is_one() {
        let events = of_mara(Timestamp::now());
        assert!(events.is_sorted_by_key(|event| event.occurred_at));
        assert!(events.iter().all(|event| event.payload.to_json() != "{}"));
    }
}
