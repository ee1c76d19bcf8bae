//! `trailkeep admin`: accounts without the service, and through it.

use std::io::Write as _;
use std::process::Stdio;

use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    accounts_are_made_reset_and_listed_from_the_shell,
    beside_a_running_service_the_same_is_done_through_it,
);

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
    let support = ["create", "sam@example.com", "--role", "support", "--generate"];
    assert!(admin(&home, &support, "").out.starts_with("sam@example.com made: support\n"));
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
    assert_eq!(actions, ["account.reset-password", "account.create", "account.create"]);
}

async fn beside_a_running_service_the_same_is_done_through_it(home: Home) {
    let service = Service::start(&home).await;
    let made = admin(&home, &["create", "kim@example.com", "--name", "Kim"], PASSWORD);
    assert!(made.is_done, "{}", made.err);
    assert_eq!(made.out, "kim@example.com made: administrator\n");
    let session = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    let again = admin(&home, &["create", " Kim@Example.com", "--generate"], "");
    assert!(!again.is_done && again.err.contains("already"), "{}", again.err);
    let weak = admin(&home, &["create", "jo@example.com"], "password1\n");
    assert!(!weak.is_done && weak.err.contains("guessed"), "{}", weak.err);
    let wrong = admin(&home, &["create", "nobody", "--generate"], "");
    assert!(!wrong.is_done && wrong.err.contains("email must be an address"), "{}", wrong.err);
    let none = admin(&home, &["create", "jo@example.com"], "");
    assert!(!none.is_done && none.err.contains("--generate"), "{}", none.err);

    let reset = admin(&home, &["reset-password", "KIM@example.com", "--generate"], "");
    assert!(reset.is_done, "{}", reset.err);
    let told = "kim@example.com has another password: administrator\npassword, shown this once: ";
    let generated = reset.out.strip_prefix(told).expect(told).trim_end();
    let request = service.request(reqwest::Method::GET, "/session").bearer_auth(session);
    service.send_as_it_is(request).await.problem(401);
    service.sign_in("kim@example.com", generated).await.expect(200);
    let weak = admin(&home, &["reset-password", "kim@example.com"], "password1\n");
    assert!(!weak.is_done && weak.err.contains("guessed"), "{}", weak.err);
    for (email, why) in [("no@example.com", "no account"), ("nobody", "must be an address")] {
        let unknown = admin(&home, &["reset-password", email, "--generate"], "");
        assert!(!unknown.is_done && unknown.err.contains(why), "{}", unknown.err);
    }

    for (role, told) in [("support", "support"), ("staff", "staff"), ("admin", "administrator")] {
        let email = format!("one-{role}@example.com");
        let made = admin(&home, &["create", &email, "--role", role], PASSWORD);
        assert_eq!(made.out, format!("{email} made: {told}\n"), "{}", made.err);
    }
    let wrong = admin(&home, &["create", "jo@example.com", "--role", "auditor"], PASSWORD);
    assert!(!wrong.is_done && wrong.err.contains("admin, staff or support"), "{}", wrong.err);
    let listed = admin(&home, &["list"], "").out;
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert_eq!(service.terminate().await.code, Some(0));
    assert_eq!(admin(&home, &["list"], "").out, listed);
    let service = Service::start(&home).await;
    let trail = service.get("/api/audit?actor=shell").await.expect(200).json();
    let entries = trail["entries"].as_array().expect("entries");
    let entries = entries.iter().map(|entry| (&entry["action"], &entry["subject"]));
    for ((action, subject), expected) in
        entries.skip(3).zip(["account.reset-password", "account.create"])
    {
        assert_eq!((action, subject), (&expected.into(), &"kim@example.com".into()));
    }
}

/// More than are on a page, each found and listed once.
#[tokio::test]
async fn of_many_accounts_all_are_listed_and_each_is_found() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let database = home.sqlite();
    let copy = "INSERT INTO accounts (id, email, name, role, password_hash, is_disabled, created_at) \
                SELECT randomblob(16), printf('%04d@example.com', ?1), name, \
                'staff', password_hash, 0, created_at FROM accounts WHERE email = ?2";
    for number in 0..1_200 {
        database.execute(copy, rusqlite::params![number, ADMIN]).expect("an account");
    }
    let listed = admin(&home, &["list"], "").out;
    assert_eq!(listed.lines().count(), 1_201);
    let reset = admin(&home, &["reset-password", "1199@example.com"], "another one of theirs\n");
    assert!(reset.is_done, "{}", reset.err);
    service.sign_in("1199@example.com", "another one of theirs").await.expect(200);
    assert_eq!(service.terminate().await.code, Some(0));
    assert_eq!(admin(&home, &["list"], "").out, listed);
}
