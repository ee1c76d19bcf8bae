//! Clicks, forms, errors, and calls from before the script was there.

use serde_json::json;

use crate::visit::Visit;

const PAGE: &str = "<button data-tk=buy><b id=inner>Buy</b></button><button id=plain>Else</button>\
     <form name=sign-up onsubmit=\"return false\"><input name=name value=secret-name>\
     <input name=password type=password value=secret-word><button id=send>Send</button></form>\
     <form onsubmit=\"return false\"><button id=nameless>Send</button></form>";

#[tokio::test]
async fn clicks_and_forms_are_recorded_by_their_names_and_never_with_values() {
    let Some(visit) = Visit::begin().await else { return };
    visit.site.has(&visit.tag(""), PAGE);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    for place in ["#inner", "#plain", "#send", "#nameless"] {
        visit.browser.click(place).await;
    }
    let types = ["session_start", "page_view", "button_click", "form_submit"];
    let events = visit.until_types_are(&visitor, &types).await;
    assert_eq!(events[2]["payload"], json!({ "button": "buy", "path": "/" }));
    assert_eq!(events[3]["payload"], json!({ "form": "sign-up", "path": "/" }));
    visit.browser.close().await;
}

#[tokio::test]
async fn errors_are_recorded_where_that_was_asked_for_and_only_so_many() {
    let Some(visit) = Visit::begin().await else { return };
    visit.browser.expects(&["/events?writeKey=", "Uncaught"]);
    let breaks = "<script>setTimeout(() => { throw new Error('it broke') }); \
                  Promise.reject(new Error('it was refused')); \
                  for (let n = 0; n < 99; n++) Promise.reject('again')</script>";
    visit.site.has(&visit.tag(""), breaks);
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.until_types_are(&visitor, &["session_start", "page_view"]).await;
    visit.site.has(&visit.tag("data-errors=true"), breaks);
    visit.goes_to("/other").await;
    visit.browser.until("document.readyState == 'complete'").await;
    visit.steps(0, 1).await;
    visit.until_arrived(&visitor, 0, 1).await;
    let events = visit.events_of(&visitor).await;
    let of = |event: &&serde_json::Value| event["type"] == "error";
    let errors = events.iter().filter(of);
    let messages: Vec<_> = errors.map(|event| event["payload"]["message"].clone()).collect();
    assert!(messages.iter().any(|message| message == "Uncaught Error: it broke"), "{messages:?}");
    assert!(messages.iter().any(|message| message == "it was refused"), "{messages:?}");
    assert_eq!(messages.len(), 20, "{messages:?}");
    visit.browser.close().await;
}

#[tokio::test]
async fn a_page_may_change_an_event_or_drop_it() {
    let Some(visit) = Visit::begin().await else { return };
    let before = "<script>trailkeep = { q: [['init', { before(event) { \
                  if (event.payload.n == 1) return; event.payload.extra = 'x'; return event } }]] }\
                  </script>";
    visit.site.has(&format!("{before}{}", visit.tag("")), "");
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(1, 3).await;
    visit.until_arrived(&visitor, 2, 3).await;
    let events = visit.events_of(&visitor).await;
    assert!(events.iter().all(|event| event["payload"]["extra"] == "x"), "{events:?}");
    visit.browser.close().await;
}

#[tokio::test]
async fn calls_from_before_the_script_was_there_are_done_once_it_is() {
    let Some(visit) = Visit::begin().await else { return };
    let stub = "<script>trailkeep = { q: [] }; for (const name of ['track', 'identify']) \
                trailkeep[name] = (...values) => trailkeep.q.push([name, ...values]); \
                trailkeep.identify('ann'); trailkeep.track('step', { n: 0 })</script>";
    let tag = visit.tag("async");
    // Twice, as where a tag manager brings a second copy.
    visit.site.has(&format!("{stub}{tag}{tag}"), "");
    visit.goes_to("/").await;
    visit.until_arrived("ann", 0, 1).await;
    let types = ["session_start", "page_view", "identify", "step"];
    visit.until_types_are("ann", &types).await;
    visit.browser.close().await;
}
