//! One's own account.

use super::visitor::Visitor;
use crate::home::Home;
use crate::service::Service;
use crate::staff::PASSWORD;

on_both_stores!(sessions_are_listed_and_ended, a_password_is_changed_and_other_sessions_end,);

const ACCOUNT: &str = "/console/account";
const KIM: &str = "kim@example.com";

async fn sessions_are_listed_and_ended(home: Home) {
    let service = Service::start(&home).await;
    let kim = Visitor::of_role(&service, KIM, "support").await;
    let page = kim.page(ACCOUNT).await;
    assert!(page.contains("this one") && page.contains("127.0.0.1"), "{page}");
    assert!(!page.contains("End all others"), "{page}");

    let elsewhere = Visitor::signed_in(&service, KIM, PASSWORD).await;
    let third = Visitor::signed_in(&service, KIM, PASSWORD).await;
    let page = kim.page(ACCOUNT).await;
    assert_eq!(page.matches("/end\"").count(), 2, "{page}");
    let end = last_end(&page);
    kim.post_from_elsewhere(&end, &[]).await.expect(403);
    let page = kim.done(&end, &[]).await;
    assert!(page.contains("The session is ended."), "{page}");
    let ended = [&elsewhere, &third];
    let mut open = 0;
    for session in ended {
        open += usize::from(session.get(ACCOUNT).await.status == 200);
    }
    assert_eq!(open, 1);
    kim.post(&end, &[]).await.expect(404);

    let page = kim.done(&format!("{ACCOUNT}/sessions/end-others"), &[]).await;
    assert!(page.contains("All other sessions are ended."), "{page}");
    for session in ended {
        session.get(ACCOUNT).await.expect(303);
    }
}

fn last_end(page: &str) -> String {
    let (before, _) = page.rsplit_once("/end\"").expect("a form");
    let (_, path) = before.rsplit_once("action=\"").expect("a form");
    format!("{path}/end")
}

async fn a_password_is_changed_and_other_sessions_end(home: Home) {
    let service = Service::start(&home).await;
    let mut kim = Visitor::of_role(&service, KIM, "support").await;
    let elsewhere = Visitor::signed_in(&service, KIM, PASSWORD).await;
    let path = format!("{ACCOUNT}/password");
    let another = "a staple and a horse";
    let wrong = [("currentPassword", "not this one"), ("newPassword", another)];
    let page = kim.post(&path, &wrong).await.expect(422).text();
    assert!(page.contains("It is not your password."), "{page}");
    assert!(!page.contains("not this one") && !page.contains(another), "{page}");
    let weak = [("currentPassword", PASSWORD), ("newPassword", "short")];
    let page = kim.post(&path, &weak).await.expect(400).text();
    assert!(page.contains("aria-invalid") && page.contains("8"), "{page}");
    let right = [("currentPassword", PASSWORD), ("newPassword", another)];
    kim.post_from_elsewhere(&path, &right).await.expect(403);
    elsewhere.get(ACCOUNT).await.expect(200);

    let answer = kim.post(&path, &right).await.expect(303);
    kim.take_cookie(&answer);
    let page = kim.page(answer.header("location")).await;
    assert!(page.contains("Your password is changed."), "{page}");
    elsewhere.get(ACCOUNT).await.expect(303);
    Visitor::signed_in(&service, KIM, another).await;
}

#[tokio::test]
async fn the_menu_leads_there_whoever_looks() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for role in ["support", "staff", "admin"] {
        let visitor = Visitor::of_role(&service, &format!("kim.{role}@example.com"), role).await;
        assert!(visitor.page("/console/").await.contains("href=\"/console/account\""), "{role}");
        visitor.get(ACCOUNT).await.expect(200);
    }
    Visitor::stranger(&service).get(ACCOUNT).await.expect(303);
}
