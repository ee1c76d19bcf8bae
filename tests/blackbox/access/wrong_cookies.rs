//! Cookies that open nothing, again and again.

use reqwest::Method;
use reqwest::header::HeaderValue;

use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

/// What is no session: some of it has the form of one.
fn wrong_cookies() -> Vec<Vec<u8>> {
    let mut cookies: Vec<Vec<u8>> = [
        "trailkeep=",
        "trailkeep=x",
        "trailkeep=%00",
        "trailkeep=AAAAAAAAAAAAAAAAAAAAAA",
        "trailkeep=\"AAAAAAAAAAAAAAAAAAAAAA\"",
        "trailkeep=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "trailkeep=AAAAAAAAAAAAAAAAAAAAA=",
        "trailkeep=..; trailkeep=AAAAAAAAAAAAAAAAAAAAAA",
        "a=b; trailkeep=\\n; c",
        "trailkeep",
        ";;;=;",
    ]
    .map(|cookie| cookie.as_bytes().to_vec())
    .into();
    cookies.push(b"trailkeep=\xff\xfe".to_vec());
    cookies.push(format!("trailkeep={}", "A".repeat(4_000)).into_bytes());
    for number in 0..20 {
        cookies.push(format!("trailkeep=AAAAAAAAAAAAAAAAAAA{number:02}A").into_bytes());
    }
    cookies
}

/// Sends hundreds of requests with wrong cookies and bearers.
async fn flood(service: &Service) -> usize {
    let mut sent = 0;
    let cookies = wrong_cookies();
    for path in ["/session", "/stats", "/users/u/journey", "/users"] {
        for cookie in &cookies {
            let value = HeaderValue::from_bytes(cookie).expect("a header");
            let request = service.request(Method::GET, path).header("cookie", value);
            service.send_as_it_is(request).await.problem(401);
            sent += 1;
        }
        for number in 10..60 {
            let bearer = format!("AAAAAAAAAAAAAAAAAAA{number}A");
            for bearer in [bearer.as_str(), "x", "tkp_x"] {
                let request = service.request(Method::GET, path).bearer_auth(bearer);
                service.send_as_it_is(request).await.problem(401);
                sent += 1;
            }
        }
    }
    sent
}

/// The lines that the service writes from now on, its end included.
async fn lines_of_a_flood(settings: &[(&str, &str)]) -> Vec<String> {
    let home = Home::embedded();
    let service = Service::start_with(&home, settings).await;
    let good = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let before = service.log().lines().count();
    assert!(flood(&service).await > 600);
    let request = service.request(Method::GET, "/session").bearer_auth(good);
    service.send_as_it_is(request).await.expect(200);
    let ended = service.terminate().await;
    ended.log.lines().skip(before).map(str::to_owned).collect()
}

#[tokio::test]
async fn wrong_cookies_do_not_fill_the_log() {
    let lines = lines_of_a_flood(&[]).await;
    assert!(lines.len() < 60, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("401")), "{lines:#?}");
    let warns = lines.iter().any(|line| line.contains("WARN"));
    assert!(!warns, "{lines:#?}");
}

#[tokio::test]
async fn wrong_cookies_are_no_warning_at_any_level() {
    for level in ["warn,trailkeep::app=info", "debug,tower_sessions=debug"] {
        let lines = lines_of_a_flood(&[("LOG_LEVEL", level)]).await;
        let warnings: Vec<_> = lines.iter().filter(|line| line.contains("WARN")).collect();
        assert!(warnings.is_empty(), "{level}: {warnings:#?}");
    }
}
