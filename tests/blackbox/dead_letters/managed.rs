//! What administrators do about dead letters over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::rules::{Of, accept, event_ids, events, refuse};
use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_letter_is_shown_retried_and_dropped,
    all_letters_are_retried_or_dropped_at_once,
    letters_are_listed_in_pages,
);

async fn call(service: &Service, method: Method, path: &str) -> Answer {
    service.send(service.request(method, path)).await
}

async fn with_letters(home: &Home, refused: &[usize]) -> Service {
    let service = Service::start(home).await;
    refuse(home, Of::Events).await;
    service.post(&events("u", 0..10, refused)).await.expect(202);
    service.wait_until_flushed().await;
    service
}

fn path_of(letters: &[Value], event_id: &str) -> String {
    let letter = letters.iter().find(|letter| letter["eventId"] == event_id);
    let id = letter.expect("a letter")["id"].as_str().expect("an id");
    format!("/dead-letters/{id}")
}

async fn a_letter_is_shown_retried_and_dropped(home: Home) {
    let service = with_letters(&home, &[2, 6]).await;
    let letters = service.dead_letters().await;
    let second = path_of(&letters, "e-2");

    let whole = service.get(&second).await.expect(200).json();
    assert_eq!(whole["payload"], json!({ "$id": 2, "a.b": [1.0, "ä"] }));
    assert_eq!(whole["occurredAt"], "2025-12-15T10:30:00.000Z");

    let answer = call(&service, Method::POST, &format!("{second}/retry")).await;
    let problem = answer.problem(409);
    assert_eq!(problem["type"], "urn:trailkeep:problem:refused-again");
    let tried = service.get(&second).await.expect(200).json();
    assert_eq!(tried["tries"], 2);
    assert_eq!(tried["setAsideAt"], whole["setAsideAt"]);
    assert!(tried["triedAt"].as_str() >= whole["triedAt"].as_str());

    accept(&home, Of::Events).await;
    let answer = call(&service, Method::POST, &format!("{second}/retry")).await;
    assert_eq!(answer.expect(200).json(), json!({ "outcome": "stored" }));
    service.get(&second).await.problem(404);
    call(&service, Method::POST, &format!("{second}/retry")).await.problem(404);
    // At its place in the order of arrival, once.
    let mut expected = sample::ids("e", 0..10);
    expected.remove(6);
    assert_eq!(service.export_ids("u").await, expected);

    let sixth = path_of(&letters, "e-6");
    call(&service, Method::DELETE, &sixth).await.expect(204);
    call(&service, Method::DELETE, &sixth).await.problem(404);
    assert!(service.dead_letters().await.is_empty());
    assert_eq!(service.export_ids("u").await, expected);

    let done = eventually("the trail is written", SOON, || async {
        let trail = service.get("/api/audit?limit=500").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries").clone();
        let of_letters = |entry: &Value| {
            let action = entry["action"].as_str().expect("an action");
            action.starts_with("dead-letter.").then(|| action.to_owned())
        };
        let actions: Vec<_> = entries.iter().filter_map(of_letters).collect();
        actions.contains(&"dead-letter.drop".to_owned()).then_some(actions)
    })
    .await;
    for action in ["dead-letter.list", "dead-letter.read", "dead-letter.retry"] {
        assert!(done.contains(&action.to_owned()), "{done:?}");
    }
    for unknown in ["x", "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88"] {
        service.get(&format!("/dead-letters/{unknown}")).await.problem(404);
    }
}

async fn all_letters_are_retried_or_dropped_at_once(home: Home) {
    let service = with_letters(&home, &[1, 2, 3]).await;
    let retry = || call(&service, Method::POST, "/dead-letters/retry");
    let expected = json!({ "stored": 0, "duplicates": 0, "refused": 3 });
    assert_eq!(retry().await.expect(200).json(), expected);
    assert_eq!(service.dead_letters().await[0]["tries"], 2);

    accept(&home, Of::Events).await;
    // One is sent again meanwhile.
    service.post(&events("u", 2..3, &[2])).await.expect(202);
    service.wait_until_flushed().await;
    let expected = json!({ "stored": 2, "duplicates": 1, "refused": 0 });
    assert_eq!(retry().await.expect(200).json(), expected);
    assert!(service.dead_letters().await.is_empty());
    assert_eq!(home.stored().await, 10);

    refuse(&home, Of::Events).await;
    service.post(&events("v", 0..10, &[1, 2, 3, 4])).await.expect(202);
    service.wait_until_flushed().await;
    for query in ["", "?all=false", "?all=true&al=true"] {
        let path = format!("/dead-letters{query}");
        call(&service, Method::DELETE, &path).await.problem(400);
    }
    assert_eq!(service.dead_letters().await.len(), 4);
    let answer = call(&service, Method::DELETE, "/dead-letters?all=true").await;
    assert_eq!(answer.expect(200).json(), json!({ "dropped": 4 }));
    assert!(service.dead_letters().await.is_empty());
    assert_eq!(home.stored().await, 16);
}

async fn letters_are_listed_in_pages(home: Home) {
    let service = with_letters(&home, &[0, 1, 2, 3, 4, 5, 6]).await;
    let all = service.dead_letters().await;
    let mut seen = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = service.get(&format!("/dead-letters{query}")).await.expect(200).json();
        seen.extend(page["deadLetters"].as_array().expect("a list").clone());
        let Some(cursor) = page["nextCursor"].as_str() else {
            break;
        };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, all);
    assert_eq!(event_ids(&seen).len(), 7);
    for query in ["?limit=0", "?limit=501", "?cursor=x", "?x=1"] {
        let path = format!("/dead-letters{query}");
        service.get(&path).await.problem(400);
    }
}
