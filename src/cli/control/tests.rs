#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;

/// What is answered to each request, by the beginning of its head; nothing where none
/// is for it.
type Answers = &'static [(&'static str, &'static str)];

/// Somebody who answers by a socket in a folder.
async fn listening(folder: &Path, answers: Answers) -> Control {
    let path = folder.join("s");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let found = answers.iter().find(|(beginning, _)| head.starts_with(beginning));
            if let Some((beginning, answer)) = found {
                let pause = if beginning.contains("/slow") { SLOW } else { Duration::ZERO };
                tokio::spawn(async move {
                    sleep(pause).await;
                    stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
                });
            } else {
                held.push(stream);
            }
        }
    });
    Control { path, limit: LIMIT }
}

fn impatient(path: PathBuf) -> Control {
    Control { path, limit: Duration::from_millis(200) }
}

/// Longer than the limit of whoever is impatient, several times.
const SLOW: Duration = Duration::from_millis(700);

const ALIVE: (&str, &str) = ("GET /livez ", "200 OK\r\ncontent-length: 2\r\n\r\nok");

#[tokio::test]
async fn there_is_a_service_where_one_answers_and_none_where_nobody_listens() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &Path| Control { path: path.to_owned(), limit: LIMIT }.if_it_lives(None);
    assert!(at(&folder.path().join("none")).await.unwrap().is_none());
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(at(&file).await.unwrap().is_none());
    let long = folder.path().join("l".repeat(200));
    assert!(at(&long).await.unwrap().is_none());
    let left = folder.path().join("left");
    drop(UnixListener::bind(&left).unwrap());
    assert!(at(&left).await.unwrap().is_none());

    let control = listening(folder.path(), &[ALIVE]).await;
    assert!(at(&control.path).await.unwrap().is_some());
}

#[tokio::test]
async fn one_that_says_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let control = listening(folder.path(), &[]).await;
    let asked = impatient(control.path.clone()).get::<Value>("/slow").await;
    for silent in [asked.unwrap_err(), impatient(control.path).if_it_lives(None).await.unwrap_err()]
    {
        assert!(silent.to_string().contains("does not answer at"), "{silent}");
    }
}

#[tokio::test]
async fn answers_are_read_as_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let control = listening(
        folder.path(),
        &[
            ("GET /users?limit=500 ", "200 OK\r\n\r\n{\"users\":[1,2],\"nextCursor\":\"a b\"}"),
            (
                "GET /users?limit=500&cursor=a+b ",
                "200 OK\r\n\r\n{\"users\":[3],\"nextCursor\":null}",
            ),
            ("DELETE /one ", "204 No Content\r\n\r\n"),
            ("POST /one ", "201 Created\r\n\r\n{\"id\":7}"),
            ("GET /text ", "200 OK\r\n\r\nno JSON"),
        ],
    )
    .await;
    let all: Vec<u64> = control.get_all("/users", "users").await.unwrap();
    assert_eq!(all, [1, 2, 3]);
    control.delete::<()>("/one").await.unwrap();
    let made: Value = control.post("/one", &json!({})).await.unwrap();
    assert_eq!(made["id"], 7);
    let broken = control.get::<Value>("/text").await.unwrap_err();
    assert!(matches!(broken, ControlError::Broken { .. }), "{broken}");
}

#[tokio::test]
async fn a_problem_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let control = listening(
        folder.path(),
        &[
            (
                "POST /faulty ",
                "400 Bad Request\r\n\r\n{\"type\":\"urn:trailkeep:problem:invalid-fields\",\"title\":\
                 \"Invalid fields\",\"status\":400,\"detail\":\"Some.\",\"errors\":[{\"field\":\"email\",\
                 \"message\":\"is none\"},{\"index\":1,\"field\":\"name\",\"message\":\"is missing\"}]}",
            ),
            (
                "POST /taken ",
                "409 Conflict\r\n\r\n{\"type\":\"urn:trailkeep:problem:email-taken\",\"title\":\
                 \"Conflict\",\"status\":409,\"detail\":\"This address has an account already.\"}",
            ),
            ("POST /bare ", "431 Request Header Fields Too Large\r\n\r\n"),
        ],
    )
    .await;
    let post = async |path: &str| {
        let answer = control.post::<Value>(path, &json!({})).await;
        answer.unwrap_err()
    };
    let faulty = post("/faulty").await;
    assert_eq!(faulty.to_string(), "Invalid fields: email is none; name is missing");
    let taken = post("/taken").await;
    assert_eq!(taken.to_string(), "Conflict: This address has an account already");
    assert_eq!(taken.kind(), Some("email-taken"));
    assert!(post("/bare").await.to_string().contains("431"));
}

#[tokio::test]
async fn what_takes_long_is_waited_for_while_the_service_lives() {
    const SLOW_ONE: (&str, &str) = ("GET /slow ", "200 OK\r\n\r\n7");
    let folder = tempfile::tempdir().unwrap();
    let control = listening(folder.path(), &[ALIVE, SLOW_ONE]).await;
    assert_eq!(impatient(control.path).get::<u64>("/slow").await.unwrap(), 7);
}
