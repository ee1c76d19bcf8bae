//! What people ask of whoever delivers for the default processor.

use reqwest::Method;
use serde_json::{Value, json};

use super::double::{Asked, Double};
use super::stored::A_WHILE;
use crate::answer::Answer;
use crate::eventually::eventually;
use crate::service::Service;

/// Asks for something.
pub async fn ask(service: &Service, what: &str, body: Value) -> Answer {
    service.post_to(&format!("/processors/default/{what}"), &body).await
}

/// Asks for something about the event at which a user is stuck.
pub async fn ask_of(service: &Service, user: &str, what: &str, event: &str) -> Answer {
    ask(service, &format!("users/{user}/{what}"), json!({ "eventId": event })).await
}

/// What was asked for and is open, or was answered lately.
pub async fn commands(service: &Service) -> Vec<Value> {
    let commands = service.get("/processors/default/commands").await.expect(200).json();
    commands["commands"].as_array().expect("a list").clone()
}

/// Waits until a command is carried out.
pub async fn wait_for_command(service: &Service, id: &str) -> Value {
    eventually("the command is carried out", A_WHILE, || async {
        let commands = commands(service).await;
        let command = commands.into_iter().find(|command| command["id"] == id)?;
        assert_ne!(command["state"], "conflict", "{command}");
        (command["state"] == "done").then_some(command)
    })
    .await
}

/// Asks for something about many events, and waits until it is carried out. Answers to
/// how many it was done.
pub async fn ask_for_all(service: &Service, what: &str, body: Value) -> u64 {
    let answer = ask(service, what, body).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    let told = answer.json();
    let command = wait_for_command(service, told["commandId"].as_str().expect("an id")).await;
    command["events"].as_u64().expect("a number")
}

pub async fn pause(service: &Service) {
    ask(service, "pause", json!({})).await.expect(202);
    super::wait_until(service, "paused").await;
}

pub async fn resume(service: &Service) {
    ask(service, "resume", json!({})).await.expect(200);
}

/// Users who are stuck.
pub async fn stuck(service: &Service) -> Vec<Value> {
    let told = service.get("/processors/default/users").await.expect(200).json();
    told["users"].as_array().expect("a list").clone()
}

/// Waits until it is told that a user is stuck at an event.
pub async fn wait_until_stuck(service: &Service, user: &str, event: &str, state: &str) -> Value {
    let what = format!("{user} is {state} at {event}");
    eventually(&what, A_WHILE, || async {
        let stuck = stuck(service).await;
        let is_it =
            |one: &Value| one["userId"] == user && one["eventId"] == event && one["state"] == state;
        stuck.into_iter().find(is_it)
    })
    .await
}

/// Waits until nobody is stuck.
pub async fn wait_until_nobody_is_stuck(service: &Service) {
    eventually("nobody is stuck", A_WHILE, || async {
        stuck(service).await.is_empty().then_some(())
    })
    .await;
}

/// The one dead letter of the default processor.
pub async fn letter(service: &Service) -> Value {
    let letters = service.get("/processors/default/dead-letters").await.expect(200).json();
    let letters = letters["deadLetters"].as_array().expect("a list").clone();
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters[0].clone()
}

/// Drops a dead letter.
pub async fn drop_letter(service: &Service, id: &str) -> Answer {
    let path = format!("/processors/default/dead-letters/{id}");
    service.send(service.request(Method::DELETE, &path)).await
}

/// The events of a user, each time that one was sent.
pub fn sends_of(double: &Double, user: &str) -> Vec<String> {
    let asked = double.asked();
    let of_user = asked.iter().filter(|asked| asked.user() == user);
    of_user.map(|asked| asked.event_id().to_owned()).collect()
}

/// Which run a request is of, as its `webhook-id` says: 1 for the first.
pub fn run_of(asked: &Asked) -> u32 {
    let id = asked.header("webhook-id");
    id.split_once('.').map_or(1, |(_, run)| run.parse().expect("a number"))
}
