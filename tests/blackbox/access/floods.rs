//! Guessing passwords, and many sign-ins at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD};

const UNLIMITED: [(&str, &str); 2] =
    [("ACCESS_ATTEMPTS_PER_ADDRESS", "0"), ("ACCESS_ATTEMPTS_PER_CLIENT", "0")];

#[tokio::test]
async fn one_account_can_be_tried_only_so_often() {
    let home = Home::embedded();
    let settings = [("ACCESS_ATTEMPTS_PER_ADDRESS", "4")];
    let service = Service::start_with(&home, &settings).await;
    for _ in 0..4 {
        service.sign_in(ADMIN, "not this one").await.problem(401);
    }
    // However it is written, and be the password right.
    let refused = service.sign_in("ADMIN@example.com ", PASSWORD).await;
    refused.problem(429);
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=225).contains(&seconds), "{seconds}");
    service.sign_in("else@example.com", PASSWORD).await.problem(401);
}

#[tokio::test]
async fn one_client_can_try_only_so_often() {
    let home = Home::embedded();
    let settings = [("ACCESS_ATTEMPTS_PER_CLIENT", "4")];
    let service = Service::start_with(&home, &settings).await;
    for number in 0..4 {
        let email = format!("a{number}@example.com");
        service.sign_in(&email, PASSWORD).await.problem(401);
    }
    let body = json!({ "email": "a9@example.com", "password": PASSWORD });
    let request = service
        .request(Method::POST, "/api/auth/sign-in/email")
        .header("x-forwarded-for", "198.51.100.7")
        .json(&body);
    service.send_as_it_is(request).await.problem(429);
    // Signing up is counted for itself: the administrator did it once.
    for _ in 0..3 {
        service.sign_up("x@example.com", PASSWORD).await.problem(403);
    }
    service.sign_up("x@example.com", PASSWORD).await.problem(429);
}

on_both_stores!(whoever_floods_an_address_does_not_lock_its_owner_out);

async fn sign_in_from(service: &Service, client: &str, email: &str, password: &str) -> Answer {
    let request = service
        .request(Method::POST, "/api/auth/sign-in/email")
        .header("x-forwarded-for", client)
        .json(&json!({ "email": email, "password": password }));
    service.send_as_it_is(request).await
}

async fn whoever_floods_an_address_does_not_lock_its_owner_out(home: Home) {
    let settings = [
        ("ACCESS_TRUSTED_PROXIES", "127.0.0.1"),
        ("ACCESS_ATTEMPTS_PER_ADDRESS", "4"),
        ("ACCESS_ATTEMPTS_PER_CLIENT", "10"),
    ];
    let (office, elsewhere) = ("192.0.2.1", "203.0.113.9");
    let service = Service::start_with(&home, &settings).await;
    sign_in_from(&service, office, ADMIN, PASSWORD).await.expect(200);
    // What is known is with the account, and so outlives the process.
    service.terminate().await;
    let service = Service::start_with(&home, &settings).await;
    let mut statuses = Vec::new();
    for number in 0..100 {
        let client = format!("198.51.100.{number}");
        statuses.push(sign_in_from(&service, &client, ADMIN, "not this one").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 4, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 96, "{statuses:?}");
    sign_in_from(&service, elsewhere, ADMIN, PASSWORD).await.problem(429);
    sign_in_from(&service, office, ADMIN, PASSWORD).await.expect(200);

    // Nor does who tries other accounts from the owner's network.
    for number in 0..20 {
        let email = format!("a{number}@example.com");
        let refused = sign_in_from(&service, office, &email, PASSWORD).await;
        refused.problem(if number < 10 { 401 } else { 429 });
    }
    sign_in_from(&service, office, ADMIN, PASSWORD).await.expect(200);

    // There tries are counted too.
    for _ in 0..2 {
        sign_in_from(&service, office, ADMIN, "not this one").await.problem(401);
    }
    sign_in_from(&service, office, ADMIN, PASSWORD).await.problem(429);
}

#[tokio::test]
async fn two_hundred_wrong_sign_ins_at_once_take_no_memory_and_starve_nobody() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &UNLIMITED).await;
    service.sign_in(ADMIN, "not this one").await.problem(401);
    let before = service.peak_memory();
    let started = Instant::now();

    let flood = join_all((0..200).map(|_| service.sign_in(ADMIN, "not this one")));
    let ingestion = async {
        let mut slowest = Duration::ZERO;
        for number in 0..100 {
            let posted = Instant::now();
            let event = sample::event("u", &format!("e-{number}"));
            service.post(&event).await.expect(202);
            slowest = slowest.max(posted.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(flood, ingestion);

    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    let grown = service.grown_since(before);
    println!(
        "{} answered 401, {} answered 503, in {:?}; memory grew by {grown} bytes; the slowest of \
         100 posts took {slowest:?}",
        count(401),
        count(503),
        started.elapsed()
    );
    assert_eq!(count(401) + count(503), 200);
    assert!(count(401) >= 64, "as many as wait are answered");
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(answer.header("retry-after"), "1");
    }
    // Two hashes at once, 19 MiB each, of which one was there before.
    assert!(grown < 60 << 20, "memory grew by {grown} bytes");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

/// A measurement, not a test, because other tests at the same time disturb it:
/// `cargo test --test blackbox -- --ignored --nocapture unknown_address`.
#[tokio::test]
#[ignore = "measures times, so it wants the machine for itself"]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    for home in [Home::embedded(), Home::mongodb()] {
        let service = Service::start_with(&home, &UNLIMITED).await;
        let mut times = [Vec::new(), Vec::new()];
        for number in 0..200 {
            let unknown = format!("a{number}@example.com");
            let mut tries = [(0, ADMIN), (1, unknown.as_str())];
            // Neither kind is always the one that follows the other.
            tries.rotate_left(number % 2);
            for (kind, email) in tries {
                let started = Instant::now();
                service.sign_in(email, "not this one").await.problem(401);
                times[kind].push(started.elapsed());
            }
        }
        let [wrong, unknown] = times.map(median);
        let ratio = unknown.as_secs_f64() / wrong.as_secs_f64();
        println!("wrong password {wrong:?}, unknown address {unknown:?}, ratio {ratio:.3}");
        assert!((0.9..=1.1).contains(&ratio), "{ratio}");
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
