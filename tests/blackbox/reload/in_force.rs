//! What SIGHUP changes, as it is seen from outside, on connections that stay open.

use serde_json::Value;

use super::{Kept, hang_up, head_of, reload, start, told};
use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    types_change,
    write_keys_come_are_replaced_and_go,
    origins_change,
    the_level_of_the_log_changes,
    a_request_under_way_is_answered_by_what_was_in_force_as_its_head_came,
    proxies_change,
);

async fn types_change(home: Home) {
    let service = start(&home, "[events]\ntypes = [\"visit\"]\n").await;
    let mut kept = Kept::open(&service).await;
    kept.post("visit").await.expect(202);
    assert!(kept.post("buy").await.expect(400).contains("is none of the accepted types"));

    let line = hang_up(&home, &service, "[events]\ntypes = [\"buy\"]\n").await;
    assert!(line.contains("\"changed\":\"events.types\""), "{line}");
    kept.post("buy").await.expect(202);
    kept.post("visit").await.expect(400);
    let schema = kept.call("GET /events.schema.json", &[], "").await.expect(200);
    assert!(schema.contains("\"buy\"") && !schema.contains("\"visit\""), "{schema}");

    hang_up(&home, &service, "").await;
    kept.post("visit").await.expect(202);
    kept.post("anything").await.expect(202);
}

async fn write_keys_come_are_replaced_and_go(home: Home) {
    let keys = |keys: &str| format!("[access]\nwrite_keys = [{keys}]\n");
    let service = start(&home, "").await;
    let mut kept = Kept::open(&service).await;
    kept.post("visit").await.expect(202);

    let two = keys("\"shop:wk-9f8e7d6c5b4a3210\", \"app:wk-0123456789abcdef\"");
    hang_up(&home, &service, &two).await;
    kept.post("visit").await.expect(401);
    let (first, app) =
        (("x-write-key", "wk-9f8e7d6c5b4a3210"), ("x-write-key", "wk-0123456789abcdef"));
    kept.post_with("visit", &[first]).await.expect(202);
    kept.post_with("visit", &[app]).await.expect(202);
    let listed = service.get("/api/write-keys").await.expect(200).json();
    let ids: Vec<&Value> =
        listed["writeKeys"].as_array().expect("keys").iter().map(|key| &key["id"]).collect();
    assert_eq!(ids, ["settings:shop", "settings:app"]);

    // Shown as it was, and another one.
    let line = hang_up(&home, &service, &keys("\"shop:wk-another-one-0123\"")).await;
    assert!(line.contains("\"changed\":\"access.write_keys\""), "{line}");
    for gone in [first, app] {
        kept.post_with("visit", &[gone]).await.expect(401);
    }
    kept.post_with("visit", &[("x-write-key", "wk-another-one-0123")]).await.expect(202);

    hang_up(&home, &service, "").await;
    kept.post("visit").await.expect(202);
    let log = service.log();
    assert!(!log.contains("wk-"), "{log}");
    eventually("the log says that anybody may post", SOON, || {
        let is_told = service.log().contains("anybody may post events");
        std::future::ready(is_told.then_some(()))
    })
    .await;
}

async fn origins_change(home: Home) {
    const SHOP: &str = "https://shop.example";
    let service = start(&home, "").await;
    let mut kept = Kept::open(&service).await;
    let of_shop = [("origin", SHOP), ("access-control-request-method", "POST")];
    let any = "access-control-allow-origin: *\r\n";
    let shops = format!("access-control-allow-origin: {SHOP}\r\n");

    assert!(kept.call("OPTIONS /events", &of_shop, "").await.text.contains(any));
    assert!(kept.post_with("visit", &of_shop).await.expect(202).contains(any));

    hang_up(&home, &service, &format!("[http]\nallowed_origins = [\"{SHOP}\"]\n")).await;
    assert!(kept.call("OPTIONS /events", &of_shop, "").await.text.contains(&shops));
    assert!(kept.post_with("visit", &of_shop).await.expect(202).contains(&shops));
    let of_other = [("origin", "https://other.example"), of_shop[1]];
    let other = kept.call("OPTIONS /events", &of_other, "").await.text;
    assert!(!other.contains("access-control-allow-origin"), "{other}");

    hang_up(&home, &service, "[http]\nallowed_origins = []\n").await;
    let shop = kept.call("OPTIONS /events", &of_shop, "").await.text;
    assert!(!shop.contains("access-control-allow-origin"), "{shop}");

    hang_up(&home, &service, "").await;
    assert!(kept.call("OPTIONS /events", &of_other, "").await.text.contains(any));
}

/// Lines about requests that went well, which are for debugging.
fn debugged(service: &Service) -> usize {
    service.log().lines().filter(|line| line.contains("\"path\":\"/livez\"")).count()
}

async fn the_level_of_the_log_changes(home: Home) {
    let service = start(&home, "").await;
    let mut kept = Kept::open(&service).await;
    let before = debugged(&service);
    kept.call("GET /livez", &[], "").await.expect(200);
    hang_up(&home, &service, "[log]\nlevel = \"info,trailkeep::http=debug\"\n").await;
    assert_eq!(debugged(&service), before);
    kept.call("GET /livez", &[], "").await.expect(200);
    eventually("a request is logged", SOON, || async {
        service.get("/livez").await.expect(200);
        (debugged(&service) > before).then_some(())
    })
    .await;
    // Whoever turns it down is still told, and so is whoever turns it up again.
    assert_eq!(reload(&home, "[log]\nlevel = \"error\"\n"), "changed: log.level\n");
    let last = told(&service).pop().expect("a line");
    assert!(last.contains("log.level"), "{last}");
    kept.call("GET /livez", &[], "").await.expect(200);
    kept.call("GET /nowhere", &[], "").await.expect(404);
    assert_eq!(reload(&home, ""), "changed: log.level\n");
    kept.call("GET /elsewhere", &[], "").await.expect(404);
    eventually("the other request is logged", SOON, || {
        std::future::ready(service.log().contains("\"path\":\"/elsewhere\"").then_some(()))
    })
    .await;
    let log = service.log();
    assert!(!log.contains("/nowhere"), "{log}");
    assert_eq!(told(&service).len(), 3, "{log}");
}

async fn a_request_under_way_is_answered_by_what_was_in_force_as_its_head_came(home: Home) {
    let service = start(&home, "[events]\ntypes = [\"visit\"]\nmax_per_request = 3\n").await;
    let mut kept = Kept::open(&service).await;
    let body = serde_json::json!([
        { "userId": "u", "eventId": "1", "type": "visit" },
        { "userId": "u", "eventId": "2", "type": "visit" },
    ]);
    let body = body.to_string();
    let expects = [("expect", "100-continue")];
    let head = head_of("POST /events", &expects, body.len());
    assert!(kept.0.send(head.as_bytes()).await);
    // Said as the body is read, so the head was there.
    kept.0.read_until("100 Continue\r\n\r\n", SOON).await;

    hang_up(&home, &service, "[events]\ntypes = [\"buy\"]\nmax_per_request = 1\n").await;
    assert!(kept.0.send(body.as_bytes()).await);
    kept.answer().await.expect(202);
    kept.call("POST /events", &[], &body).await.expect(413);
    kept.post("visit").await.expect(400);
    kept.post("buy").await.expect(202);
    assert_eq!(service.journey_ids("u", "?type=visit&order=asc").await, ["1", "2"]);
}

async fn proxies_change(home: Home) {
    let service = start(&home, "").await;
    let look = async || -> Answer {
        let request = service.request(reqwest::Method::GET, "/users/u/journey");
        service.send(request.header("x-forwarded-for", "203.0.113.9")).await
    };
    let client = async || -> Value {
        let trail = service.get("/api/audit?subject=u&limit=1").await.expect(200).json();
        trail["entries"][0]["client"].clone()
    };
    look().await.expect(200);
    assert_eq!(client().await, "127.0.0.1");
    hang_up(&home, &service, "[access]\ntrusted_proxies = [\"127.0.0.0/8\"]\n").await;
    look().await.expect(200);
    assert_eq!(client().await, "203.0.113.9");
}
