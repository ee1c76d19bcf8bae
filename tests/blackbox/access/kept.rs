//! What was answered about accounts, tokens and the set-up holds after a crash, and what the
//! database was lost in is there as a whole or not at all. Of write keys and of the trail
//! their own files say it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::control::Shell;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    what_was_answered_about_accounts_holds_after_kill_9,
    what_was_answered_about_tokens_holds_after_kill_9,
    the_first_account_holds_after_kill_9,
    what_was_done_is_in_the_trail_after_kill_9,
);

const KIM: &str = "kim@example.com";
const ANOTHER: &str = "another one of hers";

const IMPATIENT: [(&str, &str); 3] = [
    ("HEALTH_CHECK_INTERVAL_MS", "100"),
    ("STORE_READ_TIMEOUT_MS", "1000"),
    ("WRITE_TIMEOUT_MS", "1000"),
];

/// Ends the service as a crash would, and starts it again on the same folder.
async fn crashed(home: &Home, service: Service) -> Service {
    service.crash().await;
    Service::start(home).await
}

async fn send(service: &Service, method: Method, path: &str, body: &Value) -> Answer {
    service.send(service.request(method, path).json(body)).await
}

fn kim(role: &str) -> Value {
    json!({ "email": KIM, "password": PASSWORD, "name": "Kim", "role": role })
}

/// The accounts with Kim's address.
async fn kims(service: &Service) -> Vec<Value> {
    let listed = service.get("/api/staff").await.expect(200).json();
    let users = listed["users"].as_array().expect("users").iter();
    users.filter(|user| user["email"] == KIM).cloned().collect()
}

async fn session_status(service: &Service, token: &str) -> u16 {
    let request = service.request(Method::GET, "/session").bearer_auth(token);
    service.send_as_it_is(request).await.status
}

async fn what_was_answered_about_accounts_holds_after_kill_9(home: Home) {
    let service = Service::start(&home).await;
    let made = send(&service, Method::POST, "/api/staff", &kim("support")).await.expect(201).json();
    let path = format!("/api/staff/{}", made["id"].as_str().expect("an id"));
    let service = crashed(&home, service).await;
    let [account] = &kims(&service).await[..] else { panic!("there is one") };
    assert_eq!((&account["id"], &account["role"]), (&made["id"], &json!("support")));

    let signed_in = token_of(&service.sign_in(KIM, PASSWORD).await.expect(200));
    let service = crashed(&home, service).await;
    assert_eq!(session_status(&service, &signed_in).await, 200);

    let change = json!({ "currentPassword": PASSWORD, "newPassword": ANOTHER });
    let request = service.request(Method::POST, "/api/auth/change-password").json(&change);
    let changed = service.send_as_it_is(request.bearer_auth(&signed_in)).await.expect(200);
    let service = crashed(&home, service).await;
    assert_eq!(session_status(&service, &signed_in).await, 401);
    assert_eq!(session_status(&service, &token_of(&changed)).await, 200);
    service.sign_in(KIM, PASSWORD).await.problem(401);
    let again = token_of(&service.sign_in(KIM, ANOTHER).await.expect(200));

    let request = service.request(Method::POST, "/api/auth/sign-out").bearer_auth(&again);
    service.send_as_it_is(request).await.expect(200);
    let service = crashed(&home, service).await;
    assert_eq!(session_status(&service, &again).await, 401);

    let change = json!({ "role": "staff", "disabled": true });
    send(&service, Method::PATCH, &path, &change).await.expect(200);
    let service = crashed(&home, service).await;
    let [account] = &kims(&service).await[..] else { panic!("there is one") };
    assert_eq!((&account["role"], &account["disabled"]), (&json!("staff"), &json!(true)));
    service.sign_in(KIM, ANOTHER).await.problem(401);
    assert_eq!(session_status(&service, &token_of(&changed)).await, 401);
}

async fn metrics_status(service: &Service, token: &str) -> u16 {
    let request = service.request(Method::GET, "/metrics").bearer_auth(token);
    service.send_as_it_is(request).await.status
}

async fn what_was_answered_about_tokens_holds_after_kill_9(home: Home) {
    let service = Service::start(&home).await;
    let body = json!({ "name": "prometheus", "scope": "monitor" });
    let made = send(&service, Method::POST, "/api/tokens", &body).await.expect(201).json();
    let token = made["token"].as_str().expect("a token");
    let service = crashed(&home, service).await;
    assert_eq!(metrics_status(&service, token).await, 200);

    let path = format!("/api/tokens/{}", made["id"].as_str().expect("an id"));
    service.send(service.request(Method::DELETE, &path)).await.expect(204);
    let service = crashed(&home, service).await;
    assert_eq!(metrics_status(&service, token).await, 401);
}

async fn the_first_account_holds_after_kill_9(home: Home) {
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let code = service.set_up_code().await.expect("a code");
    let made = service.sign_up_with(ADMIN, PASSWORD, Some(&code)).await.expect(200);
    service.crash().await;

    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    assert_eq!(session_status(&service, &token_of(&made)).await, 200);
    let listed = service.get("/api/staff").await.expect(200).json();
    assert_eq!(listed["users"].as_array().expect("users").len(), 1, "{listed}");
    assert_eq!(listed["users"][0]["role"], "admin");
    service.sign_up_with(KIM, PASSWORD, Some(&code)).await.problem(403);
    // Also where the kill came before the file was removed.
    eventually("the code is gone", SOON, || {
        let is_gone = !home.folder().join("set-up-code").exists();
        std::future::ready(is_gone.then_some(()))
    })
    .await;
}

/// Each change is the last thing before a kill.
async fn what_was_done_is_in_the_trail_after_kill_9(home: Home) {
    let mut service = Service::start(&home).await;
    let token = json!({ "name": "t", "scope": "read" });
    let mut ids = Vec::new();
    for (path, body) in [
        ("/api/staff", &kim("staff")),
        ("/api/tokens", &token),
        ("/api/write-keys", &json!({ "name": "k" })),
    ] {
        let made = send(&service, Method::POST, path, body).await.expect(201).json();
        ids.push(made["id"].as_str().expect("an id").to_owned());
        service = crashed(&home, service).await;
    }
    let disable = json!({ "disabled": true });
    let path = format!("/api/staff/{}", ids[0]);
    send(&service, Method::PATCH, &path, &disable).await.expect(200);
    service = crashed(&home, service).await;
    for path in [format!("/api/tokens/{}", ids[1]), format!("/api/write-keys/{}", ids[2])] {
        service.send(service.request(Method::DELETE, &path)).await.expect(204);
        service = crashed(&home, service).await;
    }
    let page = service.get("/api/audit?limit=500").await.expect(200).json();
    let entries = page["entries"].as_array().expect("entries");
    for action in [
        "account.create",
        "token.create",
        "write-key.create",
        "account.disable",
        "token.revoke",
        "write-key.revoke",
    ] {
        let found = entries.iter().filter(|entry| entry["action"] == action).count();
        assert_eq!(found, 1, "{action}");
    }
}

/// A service beside a database that is handled by the test. Who comes by its socket is known
/// without the database, so that what is asked for reaches it, or does not.
struct Beside {
    server: Mongod,
    home: Home,
    service: Service,
    shell: Shell,
}

impl Beside {
    async fn start() -> Self {
        let server = Mongod::start();
        let home = Home::on(&server);
        let service = Service::start_with(&home, &IMPATIENT).await;
        let shell = Shell::of(&home);
        Self { server, home, service, shell }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.shell.send(self.shell.request(method, path).json(body)).await
    }

    async fn list(&self, path: &str, name: &str) -> Vec<Value> {
        let listed = self.ask(Method::GET, path, &json!({})).await.expect(200).json();
        listed[name].as_array().expect("a list").clone()
    }

    /// Waits until the database is known to be there, and what has waited for it is done.
    async fn wait_for_the_database(&self) {
        eventually("the database answers", 3 * SOON, || async {
            let health = self.ask(Method::GET, "/health", &json!({})).await;
            (health.status == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_refused_while_the_database_is_away_is_not_there_afterwards() {
    let beside = Beside::start().await;
    let made = beside.ask(Method::POST, "/api/staff", &kim("staff")).await.expect(201).json();
    let body = json!({ "name": "t", "scope": "monitor" });
    let token = beside.ask(Method::POST, "/api/tokens", &body).await.expect(201).json();
    let account = format!("/api/staff/{}", made["id"].as_str().expect("an id"));
    let of_token = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    let other = json!({ "email": "lou@example.com", "password": PASSWORD, "name": "Lou" });
    let another = json!({ "name": "u", "scope": "read" });

    beside.server.kill();
    for (method, path, body) in [
        (Method::POST, "/api/staff", &other),
        (Method::PATCH, &account, &json!({ "role": "support", "password": ANOTHER })),
        (Method::POST, "/api/tokens", &another),
        (Method::DELETE, &of_token, &json!({})),
        (Method::POST, "/api/write-keys", &json!({ "name": "k" })),
    ] {
        let refused = beside.ask(method.clone(), path, body).await;
        refused.problem(503);
        assert!(!refused.header("retry-after").is_empty(), "{method} {path}");
    }
    beside.service.sign_in(KIM, PASSWORD).await.problem(503);
    beside.server.restart();
    beside.wait_for_the_database().await;

    let users = beside.list("/api/staff", "users").await;
    let emails: Vec<&str> = users.iter().filter_map(|user| user["email"].as_str()).collect();
    assert_eq!(emails, [ADMIN, KIM]);
    assert_eq!(users[1]["role"], "staff");
    assert_eq!(beside.list("/api/tokens", "tokens").await.len(), 1);
    assert!(beside.list("/api/write-keys", "writeKeys").await.is_empty());
    beside.service.sign_in(KIM, PASSWORD).await.expect(200);
    assert_eq!(metrics_status(&beside.service, token["token"].as_str().expect("one")).await, 200);
    // Nothing of it stands in the way of another try.
    beside.ask(Method::POST, "/api/staff", &other).await.expect(201);
    beside.ask(Method::POST, "/api/tokens", &another).await.expect(201);
    beside.ask(Method::POST, "/api/write-keys", &json!({ "name": "k" })).await.expect(201);
}

/// A server that stands still may have what was sent to it, and do it when it goes on.
#[tokio::test]
async fn what_the_database_was_lost_in_is_whole_or_not_there() {
    let beside = Beside::start().await;
    let made = beside.ask(Method::POST, "/api/staff", &kim("staff")).await.expect(201).json();
    let account = format!("/api/staff/{}", made["id"].as_str().expect("an id"));
    let lou = json!({ "email": "lou@example.com", "password": PASSWORD, "name": "Lou" });
    let change = json!({ "role": "support", "password": ANOTHER });
    let token = json!({ "name": "t", "scope": "monitor" });

    beside.server.pause();
    tokio::join!(
        async { beside.ask(Method::POST, "/api/staff", &lou).await.problem(503) },
        async { beside.ask(Method::PATCH, &account, &change).await.problem(503) },
        async { beside.ask(Method::POST, "/api/tokens", &token).await.problem(503) },
    );
    beside.server.resume();
    beside.wait_for_the_database().await;

    // Asked for again, it is there once, as it was asked for.
    let again = beside.ask(Method::POST, "/api/staff", &lou).await.status;
    assert!(matches!(again, 201 | 409), "{again}");
    beside.service.sign_in("lou@example.com", PASSWORD).await.expect(200);
    assert_eq!(beside.list("/api/staff", "users").await.len(), 3);

    let [account] = &kims(&beside.service).await[..] else { panic!("there is one") };
    let (good, wrong) = match account["role"].as_str() {
        Some("staff") => (PASSWORD, ANOTHER),
        Some("support") => (ANOTHER, PASSWORD),
        other => panic!("{other:?}"),
    };
    beside.service.sign_in(KIM, good).await.expect(200);
    beside.service.sign_in(KIM, wrong).await.problem(401);

    // Of a token that was not told, nobody has the text. It is seen, and can be ended.
    for left in beside.list("/api/tokens", "tokens").await {
        assert_eq!((&left["name"], &left["scope"]), (&json!("t"), &json!("monitor")));
        let path = format!("/api/tokens/{}", left["id"].as_str().expect("an id"));
        beside.ask(Method::DELETE, &path, &json!({})).await.expect(204);
    }
    assert!(beside.list("/api/tokens", "tokens").await.is_empty());
    assert_eq!(beside.service.terminate().await.code, Some(0));
}

#[tokio::test]
async fn a_set_up_that_the_database_was_lost_in_can_be_done_again() {
    for is_killed in [true, false] {
        let server = Mongod::start();
        let home = Home::on(&server);
        let service = Service::start_unready(&home, &IMPATIENT).await;
        service.wait_until_ready().await;
        let code = service.set_up_code().await.expect("a code");
        if is_killed {
            server.kill()
        } else {
            server.pause()
        }
        service.sign_up_with(ADMIN, PASSWORD, Some(&code)).await.problem(503);
        if is_killed {
            server.restart()
        } else {
            server.resume()
        }
        eventually("the administrator is signed in", 3 * SOON, || async {
            // The first try may have been done after all, as a whole.
            let answer = service.sign_up_with(ADMIN, PASSWORD, Some(&code)).await;
            let answer = match answer.status {
                403 => service.sign_in(ADMIN, PASSWORD).await,
                _ => answer,
            };
            (answer.status == 200).then_some(())
        })
        .await;
        let listed = service.get("/api/staff").await.expect(200).json();
        assert_eq!(listed["users"].as_array().expect("users").len(), 1, "{listed}");
        assert_eq!(listed["users"][0]["role"], "admin");
    }
}

#[tokio::test]
async fn what_was_answered_while_the_database_was_killed_again_and_again_is_there() {
    let beside = Arc::new(Beside::start().await);
    let (is_over, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let makers = (0..4).map(|maker| {
        let (beside, is_over, made) =
            (Arc::clone(&beside), Arc::clone(&is_over), Arc::clone(&made));
        tokio::spawn(async move {
            let mut texts = Vec::new();
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let body = json!({ "name": format!("{maker}-{number}"), "scope": "monitor" });
                let answer = beside.ask(Method::POST, "/api/tokens", &body).await;
                if answer.status == 201 {
                    texts.push(answer.json()["token"].as_str().expect("a token").to_owned());
                    made.fetch_add(1, Ordering::Relaxed);
                } else {
                    answer.problem(503);
                }
            }
            texts
        })
    });
    let makers: Vec<_> = makers.collect();
    for _ in 0..3 {
        let goal = made.load(Ordering::Relaxed) + 20;
        eventually("tokens are made", 3 * SOON, || {
            let is_there = made.load(Ordering::Relaxed) >= goal;
            std::future::ready(is_there.then_some(()))
        })
        .await;
        beside.server.kill();
        beside.server.restart();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut texts = Vec::new();
    for maker in makers {
        texts.extend(maker.await.expect("a maker"));
    }
    beside.wait_for_the_database().await;
    assert!(texts.len() >= 60, "{}", texts.len());
    for text in &texts {
        assert_eq!(metrics_status(&beside.service, text).await, 200);
    }
    assert!(beside.home.folder().join("control.sock").exists());
}
