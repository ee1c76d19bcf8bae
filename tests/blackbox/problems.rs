//! Every error of every route is a problem detail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::SOON;
use crate::home::Home;
use crate::raw::RawConnection;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

const ID: &str = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";

/// A route as the OpenAPI document has it.
struct Operation {
    method: Method,
    path: String,
    description: Value,
}

impl Operation {
    async fn all(service: &Service) -> Vec<Self> {
        let document = service.get("/api-docs.json").await.expect(200).json();
        let mut all = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, description) in methods.as_object().expect("methods") {
                all.push(Self {
                    method: method.to_uppercase().parse().expect("a method"),
                    path: path.clone(),
                    description: description.clone(),
                });
            }
        }
        all
    }

    /// Its path with something in the place of its parameter, if it has one.
    fn path_with(&self, value: &str) -> Option<String> {
        let (before, rest) = self.path.split_once('{')?;
        let (_, after) = rest.split_once('}')?;
        Some(format!("{before}{value}{after}"))
    }

    fn lists(&self, status: u16) -> bool {
        self.description["responses"].get(status.to_string()).is_some()
    }

    /// Whether its body is one JSON object and nothing else.
    fn takes_an_object(&self) -> bool {
        let content = self.description["requestBody"]["content"].as_object();
        content.is_some_and(|content| content.keys().eq(["application/json"]))
    }
}

async fn send(service: &Service, method: &Method, path: &str, body: &str) -> Answer {
    let request = service
        .request(method.clone(), path)
        .header("content-type", "application/json")
        .body(body.to_owned());
    service.send(request).await
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_a_problem_on_every_route() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let mut tried = 0;
    for operation in Operation::all(&service).await {
        for broken in ["%FF", "a%C3", "%ED%A0%80"] {
            let Some(path) = operation.path_with(broken) else {
                continue;
            };
            let answer = send(&service, &operation.method, &path, "{}").await;
            assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
            answer.problem(answer.status);
            assert!(operation.lists(answer.status), "{path}: {}", answer.status);
            tried += 1;
        }
    }
    assert!(tried >= 3 * 7, "{tried}");
    for (path, field) in [("/users/%FF/journey", "userId"), ("/accounts/%FF/summary", "accountId")]
    {
        assert_eq!(service.get(path).await.only_fault().field, field);
    }
    service.get("/api-docs/%FF").await.problem(400);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_by_every_route_that_takes_one() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let mut tried = 0;
    for operation in Operation::all(&service).await {
        if !operation.takes_an_object() {
            continue;
        }
        let (method, path) = (&operation.method, operation.path_with(ID));
        let path = path.unwrap_or_else(|| operation.path.clone());
        for body in [
            "[null, null]",
            "[null, null, null]",
            r#"["kim@example.com", "several words are best", "Kim"]"#,
            "[]",
            "null",
            "\"{}\"",
            "1",
            "",
            " ",
            "nonsense",
        ] {
            let problem = send(&service, method, &path, body).await.problem(400);
            assert_eq!(problem["type"], "urn:trailkeep:problem:invalid-body");
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(detail.contains("object"), "{path}, {body}: {detail}");
        }
        for body in ["{", "{}{}", "{\"\":}", "{\"nobody\":1}"] {
            send(&service, method, &path, body).await.problem(400);
        }
        // More than any of them takes.
        let large = format!("{{{}}}", " ".repeat(70_000));
        send(&service, method, &path, &large).await.problem(413);
        for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let request = service.request(method.clone(), &path);
            let request = request.header("content-type", media_type).body("{}");
            service.send(request).await.problem(415);
        }
        for status in [400, 408, 413, 415] {
            assert!(operation.lists(status), "{method} {path} lacks {status}");
        }
        tried += 1;
    }
    assert!(tried >= 6, "{tried}");
    // An object is still taken, with space around it.
    let body = json!({ "email": ADMIN, "password": PASSWORD });
    let path = "/api/auth/sign-in/email";
    send(&service, &Method::POST, path, &format!(" \r\n\t{body} \n")).await.expect(200);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_is_a_problem() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let token = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    home.sqlite().execute("UPDATE sessions SET data = x'00'", []).expect("a table named sessions");
    for path in ["/session", "/stats", "/users/u/journey"] {
        let request = service.request(Method::GET, path).bearer_auth(&token);
        service.send_as_it_is(request).await.problem(500);
    }
}

#[tokio::test]
async fn requests_that_no_client_library_sends_are_answered_with_problems() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (line, statuses) in [
        ("GET http://elsewhere.example/nowhere", &[404][..]),
        ("OPTIONS *", &[404, 405]),
        ("CONNECT elsewhere.example:443", &[404, 405]),
        ("MAKE /users", &[405]),
        ("GET /users//journey", &[400, 401, 404]),
        ("GET /api-docs.json/%FF", &[404]),
        ("PUT /events", &[405]),
    ] {
        let mut connection = RawConnection::open(&service).await;
        let head = format!("{line} HTTP/1.1\r\nhost: trailkeep.example\r\n\r\n");
        assert!(connection.send(head.as_bytes()).await);
        let answer = connection.answer(SOON).await.expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        assert!(status.is_some_and(|status| statuses.contains(&status)), "{line}: {answer}");
        let is_problem = answer.contains("content-type: application/problem+json\r\n");
        assert!(is_problem, "{line}: {answer}");
    }
}
