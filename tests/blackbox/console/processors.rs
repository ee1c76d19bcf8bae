//! Processors, watched by all staff and steered by administrators.

use super::visitor::{MARKUP, Visitor, between};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processing::asks::wait_until_stuck;
use crate::processing::double::{Double, Switch, status, taken};
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_stuck_user_is_shown_and_skipped_after_a_question,
    a_processor_is_paused_resumed_and_sent_events_again,
);

const ALL: &str = "/console/processors";
const ONE: &str = "/console/processors/default";

async fn start(home: &Home, double: &Double, settings: &[(&str, &str)]) -> Service {
    let short = [
        ("PROCESSOR_URL", &*double.url),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
    ];
    Service::start_with(home, &[&short[..], settings].concat()).await
}

/// Waits until the page has this.
async fn wait_for(visitor: &Visitor<'_>, path: &str, text: &str) -> String {
    eventually(text, 3 * SOON, || async {
        let page = visitor.page(path).await;
        page.contains(text).then_some(page)
    })
    .await
}

async fn a_stuck_user_is_shown_and_skipped_after_a_question(home: Home) {
    let double = Double::start(|asked| {
        let is_refused = asked.event_id() == "e-1" && asked.user() == MARKUP;
        async move { if is_refused { status(422) } else { taken() } }
    })
    .await;
    let hold = [("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold")];
    let service = start(&home, &double, &hold).await;
    // A witness: where nobody else's event is taken, nothing is a dead letter.
    service.post(&sample::events("bob", "e", 0..3)).await.expect(202);
    eventually("bob's events are sent", 3 * SOON, || async {
        (double.asked().len() == 3).then_some(())
    })
    .await;
    service.post(&sample::events(MARKUP, "e", 0..3)).await.expect(202);
    wait_until_stuck(&service, MARKUP, "e-1", "held").await;

    let admin = Visitor::admin(&service).await;
    let support = Visitor::of_role(&service, "sue@example.com", "support").await;
    let page = wait_for(&admin, ONE, "waits for a person").await;
    assert!(!page.contains(MARKUP) && page.contains("422"), "{page}");
    let page = support.page(ONE).await;
    assert!(page.contains("waits for a person"), "{page}");
    assert!(!page.contains("/stuck\"") && !page.contains("Send events again"), "{page}");

    let page = admin.page(ONE).await;
    let skip = between(&page, "danger\" href=\"", "\"").expect("a link").replace("&#38;", "&");
    let question = admin.page(&skip).await;
    assert!(question.contains("Skip the event at which"), "{question}");
    assert!(!question.contains(MARKUP), "{question}");
    let fields = [("userId", MARKUP), ("eventId", "e-1"), ("do", "skip")];
    let path = format!("{ONE}/stuck");
    admin.post_from_elsewhere(&path, &fields).await.expect(403);
    support.post(&path, &fields).await.expect(403);
    admin.post(&path, &[("userId", "bob"), ("eventId", "e-1"), ("do", "eat")]).await.expect(400);
    admin.done(&path, &fields).await;
    wait_for(&admin, ONE, "Nobody is stuck").await;
}

async fn a_processor_is_paused_resumed_and_sent_events_again(home: Home) {
    let is_poison = Switch::on();
    let poison = is_poison.clone();
    let double = Double::start(move |asked| {
        let is_refused = poison.is_on() && asked.event_id() == "e-1";
        async move { if is_refused { status(422) } else { taken() } }
    })
    .await;
    let service = start(&home, &double, &[]).await;
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    let admin = Visitor::admin(&service).await;
    let page = wait_for(&admin, ONE, "name=\"id\"").await;
    assert!(page.contains("running") && page.contains("answered 422"), "{page}");
    assert!(admin.page(ALL).await.contains(">default<"));
    admin.get("/console/processors/other").await.expect(404);

    let (pause, resume) = (format!("{ONE}/pause"), format!("{ONE}/resume"));
    admin.post_from_elsewhere(&pause, &[]).await.expect(403);
    admin.done(&pause, &[]).await;
    let page = wait_for(&admin, ONE, "paused by a person").await;
    assert!(page.contains(">Resume</button>"), "{page}");
    let page = admin.done(&resume, &[]).await;
    assert!(page.contains("It is done."), "{page}");
    wait_for(&admin, ONE, ">Pause</button>").await;
    admin.post(&resume, &[]).await.expect(409);
    let no_id = [("id", "all"), ("do", "drop")];
    let refused = admin.post(&format!("{ONE}/letters"), &no_id).await.expect(400).text();
    assert!(refused.contains("must be the id of a dead letter"), "{refused}");

    is_poison.turn(false);
    let replay = format!("{ONE}/replay");
    let question = admin.page(&format!("{replay}?from=&state=failed")).await;
    assert!(question.contains("The events that were given up, from the beginning"), "{question}");
    admin.get(&format!("{replay}?from=soon&state=failed")).await.expect(400);
    let fields = [("from", ""), ("state", "failed")];
    admin.post_from_elsewhere(&replay, &fields).await.expect(403);
    admin.done(&replay, &fields).await;
    wait_for(&admin, ONE, "None was given up").await;
    assert_eq!(double.asked().iter().filter(|asked| asked.event_id() == "e-1").count(), 2);
    admin.post(&format!("{ONE}/remove"), &[]).await.expect(409);
}

#[tokio::test]
async fn without_processors_the_page_says_so_and_steering_is_for_administrators() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let support = Visitor::of_role(&service, "sue@example.com", "support").await;
    assert!(support.page(ALL).await.contains("No processors"));
    for what in ["pause", "resume", "replay", "remove", "stuck", "letters"] {
        support.post(&format!("{ONE}/{what}"), &[]).await.expect(403);
    }
    for what in ["replay", "remove", "skip?userId=u&eventId=e"] {
        support.get(&format!("{ONE}/{what}")).await.expect(403);
    }
    Visitor::stranger(&service).get(ALL).await.expect(303);
}
