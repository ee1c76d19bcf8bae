//! People of an invented shop and what they did, told from now backwards.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The user that most tests look at: an anonymous visitor who signed up, with an
/// account, errors, and more events than a page has.
pub const LENA: &str = "u_8841";
pub const LENA_EMAIL: &str = "lena.brandt@nordlicht.example";
/// Under which she was known before.
pub const LENA_BEFORE: &str = "anon-5d1f7c20";
pub const ACCOUNT: &str = "acct_nordlicht";
/// An event of hers that is an error.
pub const ERROR: &str = "evt-card-declined";

/// A moment, as trackers send it.
pub fn ago(now: DateTime<Utc>, seconds: i64) -> String {
    (now - Duration::seconds(seconds)).to_rfc3339_opts(SecondsFormat::Millis, true)
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// All of it.
pub fn events(now: DateTime<Utc>) -> Vec<Value> {
    let mut events = today(now);
    events.extend(first_visit(now));
    events.extend((1..=12).flat_map(|day| on_a_day(now, day)));
    events.extend(others(now));
    events
}

fn of_lena(now: DateTime<Utc>, seconds: i64, kind: &str, payload: Value) -> Value {
    json!({
        "userId": LENA, "accountId": ACCOUNT, "type": kind, "sessionId": "s-today",
        "occurredAt": ago(now, seconds), "payload": payload,
    })
}

/// What somebody on the telephone asks about.
fn today(now: DateTime<Utc>) -> Vec<Value> {
    let of = |seconds, kind: &str, payload| of_lena(now, seconds, kind, payload);
    let view = |seconds, path: &str, title: &str| {
        let payload = json!({
            "path": path, "title": title, "$browser": "Firefox 146", "$os": "Windows 11",
            "timezone": "Europe/Berlin",
        });
        of(seconds, "page_view", payload)
    };
    let mut declined = of(
        7 * MINUTE,
        "payment_failed",
        json!({ "error": "card declined", "provider": "stripe", "code": "insufficient_funds",
                "amount": 189.0, "currency": "EUR" }),
    );
    declined["eventId"] = ERROR.into();
    vec![
        of(
            24 * MINUTE,
            "session_start",
            json!({ "referrer": "https://newsletter.example/winter" }),
        ),
        view(24 * MINUTE - 2, "/lamps", "Lamps"),
        of(22 * MINUTE, "search", json!({ "query": "floor lamp oak", "results": 14 })),
        view(21 * MINUTE, "/lamps/aurora-floor", "Aurora floor lamp"),
        of(19 * MINUTE, "product_view", json!({ "name": "Aurora floor lamp", "price": 189.0 })),
        of(
            18 * MINUTE,
            "add_to_cart",
            json!({ "name": "Aurora floor lamp", "price": 189.0, "quantity": 1,
                    "cart": { "items": [{ "sku": "LMP-204", "quantity": 1 }], "total": 189.0 } }),
        ),
        view(17 * MINUTE, "/cart", "Your cart"),
        of(16 * MINUTE, "button_click", json!({ "button": "Apply voucher" })),
        of(15 * MINUTE, "button_click", json!({ "button": "Apply voucher" })),
        of(14 * MINUTE, "button_click", json!({ "button": "Apply voucher" })),
        of(12 * MINUTE, "checkout_started", json!({ "total": 189.0, "currency": "EUR" })),
        declined,
        of(
            6 * MINUTE,
            "error",
            json!({ "message": "PaymentIntent cannot be confirmed twice",
                                        "page": "/checkout" }),
        ),
        view(4 * MINUTE, "/help/payments", "Paying by card"),
        of(3 * MINUTE, "support_chat_opened", json!({ "topic": "payment" })),
        view(40, "/checkout", "Checkout"),
    ]
}

/// Ten days back: she came from an ad, nobody knew her, and she signed up.
fn first_visit(now: DateTime<Utc>) -> Vec<Value> {
    let start = 10 * DAY + 2 * HOUR;
    let before = |seconds, kind: &str, payload: Value| {
        json!({
            "anonymousId": LENA_BEFORE, "type": kind, "sessionId": "s-first",
            "occurredAt": ago(now, start - seconds), "payload": payload,
        })
    };
    let mut events = vec![
        before(0, "session_start", json!({ "utm_source": "instagram", "utm_campaign": "winter" })),
        before(2, "page_view", json!({ "path": "/", "title": "Nordlicht" })),
        before(48, "page_view", json!({ "path": "/pricing", "title": "Prices" })),
    ];
    let mut known = |seconds, kind: &str, payload: Value| {
        let mut event = before(seconds, kind, payload);
        event["userId"] = LENA.into();
        events.push(event);
    };
    known(95, "sign_up", json!({ "plan": "trial" }));
    let traits = json!({ "name": "Lena Brandt", "email": LENA_EMAIL, "plan": "business",
                         "company": "Nordlicht Interiors" });
    known(96, "identify", json!({ "traits": traits }));
    known(140, "form_submit", json!({ "form": "newsletter" }));
    events
}

/// Twenty events of one of the days before, so that there are pages of them.
fn on_a_day(now: DateTime<Utc>, day: i64) -> Vec<Value> {
    const PAGES: [&str; 5] = ["/lamps", "/lamps/aurora-floor", "/orders", "/help", "/account"];
    (0..20)
        .zip(PAGES.iter().cycle())
        .map(|(number, page)| {
            let seconds = day * DAY + 3 * HOUR - number * 45;
            let mut event = match number % 7 {
                3 => of_lena(now, seconds, "button_click", json!({ "button": "Show more" })),
                6 => of_lena(now, seconds, "add_to_cart", json!({ "name": "Linen shade" })),
                _ => of_lena(now, seconds, "page_view", json!({ "path": page })),
            };
            event["sessionId"] = format!("s-{day}").into();
            event
        })
        .collect()
}

/// Others who can be found.
fn others(now: DateTime<Utc>) -> Vec<Value> {
    const PEOPLE: [(&str, &str, &str); 5] = [
        ("u_8842", "Lennart Fischer", "lennart@fischerhaus.example"),
        ("u_8850", "Lena Öztürk", "lena.oeztuerk@studio.example"),
        ("u_9001", "Marta Kowalska", "marta@lampy.example"),
        ("u_9002", "Jonas Weber", "jonas.weber@nordlicht.example"),
        ("u_9003", "Aïcha Ben Salah", "aicha@lumiere.example"),
    ];
    (1..)
        .zip(PEOPLE)
        .flat_map(|(number, (id, name, email))| {
            let traits = json!({ "name": name, "email": email });
            [
                json!({ "userId": id, "type": "identify", "accountId": ACCOUNT,
                        "occurredAt": ago(now, number * 9 * HOUR), "payload": { "traits": traits } }),
                json!({ "userId": id, "type": "page_view", "accountId": ACCOUNT,
                        "eventId": format!("evt-{number}"),
                        "occurredAt": ago(now, number * 9 * HOUR - 30),
                        "payload": { "path": "/lamps" } }),
            ]
        })
        .collect()
}
