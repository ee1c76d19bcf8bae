//! The first account, and the set-up code that it needs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;
use crate::set_up::{code_in, code_in_log};
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    the_first_account_needs_the_code_and_with_it_the_code_is_gone,
    the_code_of_the_file_outlives_a_restart_and_a_crash,
    without_its_file_a_code_stays_good_and_a_start_makes_another,
    an_account_from_the_shell_needs_no_code_and_ends_it,
    a_thousand_wrong_codes_are_limited_and_the_right_one_is_let_in,
);

const KIND: &str = "urn:trailkeep:problem:set-up-code";

fn file_of(home: &Home) -> PathBuf {
    home.folder().join("set-up-code")
}

/// A service without an account, and its code.
async fn new_service(home: &Home, settings: &[(&str, &str)]) -> (Service, String) {
    let service = Service::start_unready(home, settings).await;
    service.wait_until_ready().await;
    let code = service.set_up_code().await.expect("a code");
    (service, code)
}

async fn is_gone(file: &Path) {
    eventually("the file of the code is gone", SOON, || {
        std::future::ready((!file.exists()).then_some(()))
    })
    .await;
}

/// A sign-up from an address of its own, as a proxy of ours tells it.
async fn sign_up_from(service: &Service, client: &str, code: &str) -> Answer {
    let body = json!({
        "email": ADMIN, "password": PASSWORD, "name": "Jo", "setupCode": code,
    });
    let request = service
        .request(Method::POST, "/api/auth/sign-up/email")
        .header("x-forwarded-for", client)
        .json(&body);
    service.send_as_it_is(request).await
}

async fn the_first_account_needs_the_code_and_with_it_the_code_is_gone(home: Home) {
    let (service, code) = new_service(&home, &[]).await;
    let file = file_of(&home);
    assert_eq!(code_in(home.folder()).as_deref(), Some(&*code));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    eventually("the log has the link", SOON, || {
        std::future::ready(code_in_log(&service.log()).filter(|logged| *logged == code))
    })
    .await;

    let missing = service.sign_up_with(ADMIN, PASSWORD, None).await.problem(403);
    assert_eq!(missing["type"], KIND);
    assert!(missing["detail"].as_str().expect("a detail").contains("setupCode"), "{missing}");
    for wrong in ["", "0000-0000-0000-0000-0000", &code[1..], "not a code", &"A".repeat(10_000)] {
        let refused = service.sign_up_with(ADMIN, PASSWORD, Some(wrong)).await;
        assert_eq!(refused.problem(403)["type"], KIND, "{wrong}");
    }
    let typed = code.replace('-', " ").to_lowercase();
    let admin = token_of(&service.sign_up_with(ADMIN, PASSWORD, Some(&typed)).await.expect(200));
    is_gone(&file).await;
    let again = service.sign_up_with("b@example.com", PASSWORD, Some(&code)).await.problem(403);
    assert_eq!(again["type"], "urn:trailkeep:problem:sign-up-closed");
    let failed = eventually("wrong codes are in the trail", SOON, || async {
        let request = service.request(Method::GET, "/api/audit").bearer_auth(&admin);
        let page = service.send_as_it_is(request).await.expect(200).json();
        let entries = page["entries"].as_array().expect("entries").clone();
        let failed = |entry: &Value| entry["action"] == "account.set-up-failed";
        entries.into_iter().find(failed)
    })
    .await;
    assert_eq!(failed["actor"], "anonymous");
    assert_eq!(failed["client"], "127.0.0.1");

    service.terminate().await;
    fs::write(&file, &code).expect("as of a crash");
    let service = Service::start(&home).await;
    is_gone(&file).await;
    service.sign_up_with("b@example.com", PASSWORD, Some(&code)).await.problem(403);
}

/// Also where anybody may have an account: the first one is the administrator's.
#[tokio::test]
async fn open_sign_up_needs_the_code_for_the_first_account_alone() {
    let home = Home::embedded();
    let (service, code) = new_service(&home, &[("ACCESS_OPEN_SIGN_UP", "true")]).await;
    service.sign_up_with(ADMIN, PASSWORD, None).await.problem(403);
    service.sign_up_with(ADMIN, PASSWORD, Some(&code)).await.expect(200);
    service.sign_up_with("b@example.com", PASSWORD, None).await.expect(200);
    service.sign_up_with("c@example.com", PASSWORD, Some("x")).await.expect(200);
}

#[tokio::test]
async fn each_instance_shows_a_code_and_every_instance_takes_it() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let ((one, first), (other, second)) =
        tokio::join!(new_service(&home, &[]), new_service(&elsewhere, &[]));
    assert_ne!(first, second);
    eventually("each instance takes the other's", SOON, || async {
        let body = |code: &str| json!({ "email": "", "setupCode": code });
        let path = "/api/auth/sign-up/email";
        let at_one = one.post_json(path, &body(&second)).await;
        let at_other = other.post_json(path, &body(&first)).await;
        (at_one.status == 400 && at_other.status == 400).then_some(())
    })
    .await;
    let admin = token_of(&one.sign_up_with(ADMIN, PASSWORD, Some(&second)).await.expect(200));
    is_gone(&file_of(&home)).await;
    is_gone(&file_of(&elsewhere)).await;
    other.sign_up_with("b@example.com", PASSWORD, Some(&first)).await.problem(403);
    let request = other.request(Method::GET, "/api/tokens").bearer_auth(admin);
    other.send_as_it_is(request).await.expect(200);
}

async fn the_code_of_the_file_outlives_a_restart_and_a_crash(home: Home) {
    let (service, code) = new_service(&home, &[]).await;
    service.terminate().await;
    assert_eq!(code_in(home.folder()).as_deref(), Some(&*code));
    let (service, again) = new_service(&home, &[]).await;
    assert_eq!(again, code);
    service.crash().await;
    let (service, again) = new_service(&home, &[]).await;
    assert_eq!(again, code);
    service.sign_up_with(ADMIN, PASSWORD, Some(&code)).await.expect(200);
}

async fn without_its_file_a_code_stays_good_and_a_start_makes_another(home: Home) {
    let (service, first) = new_service(&home, &[]).await;
    let file = file_of(&home);
    fs::remove_file(&file).expect("a file");
    let refused = service.sign_up_with(ADMIN, "short", Some(&first)).await;
    assert_eq!(refused.faults()[0].field, "password", "the code is good");
    service.terminate().await;

    let (service, second) = new_service(&home, &[]).await;
    assert_ne!(second, first);
    service.terminate().await;
    // Where no file can be made, the log has one.
    fs::remove_file(&file).expect("a file");
    fs::create_dir(&file).expect("a folder in its place");
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let third =
        eventually("the log has a code", SOON, || std::future::ready(code_in_log(&service.log())))
            .await;
    assert!(service.log().contains("cannot be kept"), "{}", service.log());
    for good in [&first, &second, &third] {
        let refused = service.sign_up_with(ADMIN, "short", Some(good)).await;
        assert_eq!(refused.faults()[0].field, "password", "the code is good");
    }
    service.sign_up_with(ADMIN, PASSWORD, Some(&first)).await.expect(200);
}

async fn an_account_from_the_shell_needs_no_code_and_ends_it(home: Home) {
    let (service, code) = new_service(&home, &[]).await;
    let mut command = home.shell("admin");
    let made = command.args(["create", ADMIN, "--generate"]).output().expect("the binary");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    is_gone(&file_of(&home)).await;
    service.sign_up_with("b@example.com", PASSWORD, Some(&code)).await.problem(403);
}

async fn a_thousand_wrong_codes_are_limited_and_the_right_one_is_let_in(home: Home) {
    let settings = [("ACCESS_TRUSTED_PROXIES", "127.0.0.1")];
    let (service, code) = new_service(&home, &settings).await;
    let clients: Vec<_> = (0..50).map(|number| format!("198.51.100.{number}")).collect();
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let wrong = "0000-0000-0000-0000-0000";
        let tries = clients.iter().map(|client| sign_up_from(&service, client, wrong));
        statuses.extend(join_all(tries).await.iter().map(|answer| answer.status));
    }
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!(count(403) + count(429), 1_000, "{statuses:?}");
    assert!((100..=110).contains(&count(403)), "{} were tried", count(403));
    // On a slow machine one more may be let in by now, but not many.
    for _ in 0..20 {
        let answer = sign_up_from(&service, "198.51.100.0", "0").await;
        if answer.status == 429 {
            assert!(!answer.header("retry-after").is_empty());
            break;
        }
        answer.expect(403);
    }
    sign_up_from(&service, "192.0.2.1", &code).await.expect(200);
}

#[tokio::test]
async fn a_folder_that_others_may_read_shows_nobody_the_code() {
    let home = Home::embedded();
    fs::write(file_of(&home), "0123-4567-89ab-cdef-ghjk\n").expect("a file");
    fs::set_permissions(file_of(&home), Permissions::from_mode(0o666)).expect("a file");
    let service = Service::start_unready(&home, &[]).await;
    eventually("the log has the code of the file", SOON, || {
        let logged = code_in_log(&service.log());
        std::future::ready(logged.filter(|code| code == "0123-4567-89AB-CDEF-GHJK"))
    })
    .await;
    let mode = fs::metadata(file_of(&home)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
