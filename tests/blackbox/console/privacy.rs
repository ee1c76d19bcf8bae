//! What a person may ask for, done by hand.

use serde_json::json;

use super::reader::assert_has;
use super::visitor::{MARKUP, Visitor};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(a_user_is_erased_on_the_page_once_the_id_was_typed_and_the_receipt_says_when,);

const PRIVACY: &str = "/console/privacy";

async fn a_user_is_erased_on_the_page_once_the_id_was_typed_and_the_receipt_says_when(home: Home) {
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    assert_has(&admin.page(PRIVACY).await, &["Nobody was erased yet"]);
    let known = json!({ "userId": "ann", "anonymousId": "device-7", "type": "login" });
    service.post(&json!([known, sample::event("ann", "e-1")])).await.expect(202);
    service.wait_until_flushed().await;
    let of_user = admin.page("/console/users/ann").await;
    assert_has(&of_user, &["/console/privacy?user=ann", "Erase all of it…"]);

    let page = admin.page("/console/privacy?user=ann").await;
    assert_has(&page, &["2 stored events", "<code>device-7</code>", "everything.ndjson"]);
    let linked = admin.page("/console/privacy?user=device-7").await;
    assert_has(&linked, &["linked to <a href=\"/console/privacy?user=ann\">ann</a>"]);
    admin.post_from_elsewhere(PRIVACY, &[("user", "ann"), ("confirm", "ann")]).await.expect(403);
    let wrong = admin.post(PRIVACY, &[("user", "ann"), ("confirm", "an")]).await.expect(400);
    assert_has(&wrong.text(), &["It must be the user", "aria-invalid=\"true\""]);
    assert_eq!(service.journey("ann", "").await["count"], 2);

    let fields = [("user", "ann"), ("confirm", "ann"), ("linked", "true"), ("block", "true")];
    let asked = admin.post(PRIVACY, &fields).await.expect(303);
    let receipt = asked.header("location").to_owned();
    assert!(receipt.starts_with("/console/privacy/"), "{receipt}");
    let page = eventually("the receipt is final", SOON, || async {
        let page = admin.page(&receipt).await;
        let is_final = page.contains("each place was read again");
        assert_eq!(page.contains("http-equiv=\"refresh\""), !is_final);
        is_final.then_some(page)
    })
    .await;
    assert_has(&page, &["<dt>Stored events</dt><dd>2</dd>", "of which hashes stay"]);
    assert!(!page.contains("ann") && !page.contains("device-7"), "{page}");
    assert_has(&admin.page(PRIVACY).await, &[&receipt, "done"]);
    assert_has(
        &admin.page("/console/audit?subject=ann").await,
        &["Had a user erased", "Has erased"],
    );

    let blocked = admin.page("/console/privacy?user=ann").await;
    assert_has(&blocked, &["What is posted of this id is left out."]);
    let done = admin.done("/console/privacy/unblock", &[("user", "ann")]).await;
    assert_has(&done, &["is kept again"]);
}

#[tokio::test]
async fn an_id_that_is_markup_is_shown_as_it_is() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let admin = Visitor::admin(&service).await;
    service.post(&sample::event(MARKUP, "e-1")).await.expect(202);
    let path: String = form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let page = admin.page(&format!("{PRIVACY}?user={path}")).await;
    assert!(!page.contains(MARKUP), "markup is not escaped");
    admin.get("/console/privacy/0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88").await.expect(404);
}
