//! `trailkeep admin`: accounts without the service.

use std::io::Write as _;
use std::process::Stdio;

use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(accounts_are_made_reset_and_listed_from_the_shell);

struct Said {
    is_done: bool,
    out: String,
    err: String,
}

fn admin(home: &Home, arguments: &[&str], input: &str) -> Said {
    let mut command = home.shell("admin");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that needs no input may have ended by now.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("an end");
    Said {
        is_done: output.status.success(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

async fn accounts_are_made_reset_and_listed_from_the_shell(home: Home) {
    let made = admin(&home, &["create", ADMIN, "--name", "Jo"], &format!("{PASSWORD}\n"));
    assert!(made.is_done, "{}", made.err);
    assert!(!made.out.contains(PASSWORD));
    let again = admin(&home, &["create", ADMIN, "--generate"], "");
    assert!(!again.is_done && again.err.contains("already"), "{}", again.err);
    let weak = admin(&home, &["create", "kim@example.com"], "password1\n");
    assert!(!weak.is_done && weak.err.contains("guessed"), "{}", weak.err);
    let none = admin(&home, &["create", "kim@example.com"], "");
    assert!(!none.is_done && none.err.contains("--generate"), "{}", none.err);
    let listed = admin(&home, &["list"], "").out;
    assert_eq!(listed.lines().count(), 1);
    assert!(listed.starts_with(&format!("{ADMIN}\tadministrator\t")), "{listed}");

    let service = Service::start(&home).await;
    let session = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    service.terminate().await;
    let reset = admin(&home, &["reset-password", ADMIN, "--generate"], "");
    assert!(reset.is_done, "{}", reset.err);
    let generated = reset.out.trim_end().rsplit(' ').next().expect("a word").to_owned();
    let unknown = admin(&home, &["reset-password", "no@example.com", "--generate"], "");
    assert!(!unknown.is_done && unknown.err.contains("no account"), "{}", unknown.err);

    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    service.sign_in(ADMIN, PASSWORD).await.problem(401);
    let request = service.request(reqwest::Method::GET, "/api/audit");
    service.send_as_it_is(request.bearer_auth(&session)).await.problem(401);
    let fresh = token_of(&service.sign_in(ADMIN, &generated).await.expect(200));
    let request = service.request(reqwest::Method::GET, "/api/audit?actor=shell");
    let trail = service.send_as_it_is(request.bearer_auth(&fresh)).await.expect(200).json();
    let actions: Vec<_> = trail["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["action"].as_str().expect("an action"))
        .collect();
    assert_eq!(actions, ["account.reset-password", "account.create"]);
}

#[tokio::test]
async fn beside_a_running_service_the_embedded_store_says_what_to_do() {
    let home = Home::embedded();
    let _service = Service::start(&home).await;
    let refused = admin(&home, &["list"], "");
    assert!(!refused.is_done);
    for word in ["in use", "stop the service", "POST /users"] {
        assert!(refused.err.contains(word), "{}", refused.err);
    }
}

#[tokio::test]
async fn beside_a_running_service_mongodb_is_administered_all_the_same() {
    let home = Home::mongodb();
    let service = Service::start(&home).await;
    let made = admin(&home, &["create", "kim@example.com"], &format!("{PASSWORD}\n"));
    assert!(made.is_done, "{}", made.err);
    service.sign_in("kim@example.com", PASSWORD).await.expect(200);
}
