//! The first lines of the log: where to go.

use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(the_first_lines_say_where_to_go);

/// The line with this message, once it is there.
async fn line(service: &Service, message: &str) -> Value {
    eventually(message, SOON, || {
        let log = service.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        std::future::ready(lines.find(|line| line["message"] == message))
    })
    .await
}

async fn the_first_lines_say_where_to_go(home: Home) {
    let service = Service::start_unready(&home, &[]).await;
    let first = service.log().lines().next().expect("a line").to_owned();
    assert!(first.contains("trailkeep starts"), "{first}");
    assert!(first.contains(env!("CARGO_PKG_VERSION")) && first.contains("\"commit\""), "{first}");

    let listening = line(&service, "listening").await;
    let url = service.url("");
    assert_eq!(listening["url"], url);
    assert_eq!(listening["docs"], format!("{url}/api-docs"));
    assert_eq!(listening["address"], service.address().to_string());

    let folder = home.folder().display().to_string();
    match home.mongodb_uri() {
        None => {
            let data = line(&service, "the data is in a local folder").await;
            assert_eq!(data["folder"], folder);
        }
        Some(uri) => {
            let message = "the data is in MongoDB, and what is not stored yet in a local folder";
            let data = line(&service, message).await;
            assert_eq!(data["folder"], folder);
            let hosts = data["hosts"].as_str().expect("hosts");
            let database = data["database"].as_str().expect("a database");
            assert!(uri.contains(hosts) && uri.contains(&format!("/{database}")), "{data}");
        }
    }

    let nobody = "there is no staff account yet; the first to sign up with the set-up code is the \
                  administrator";
    let nobody = line(&service, nobody).await;
    let code = service.set_up_code().await.expect("a code");
    assert_eq!(nobody["link"], format!("{url}/console/set-up?code={code}"));
    assert_eq!(nobody["file"], home.folder().join("set-up-code").display().to_string());
    let body: Value = serde_json::from_str(nobody["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["setupCode"], code);
    assert_eq!(nobody["post"], format!("{url}/api/auth/sign-up/email"));
    service.wait_until_ready().await;
    service.admin().await;
    service.terminate().await;

    let service = Service::start_with(&home, &[("HTTP_API_DOCS", "false")]).await;
    let somebody = line(&service, "there are staff accounts; sign in").await;
    assert_eq!(somebody["post"], service.url("/api/auth/sign-in/email"));
    assert!(line(&service, "listening").await["docs"].is_null());
}

#[tokio::test]
async fn no_password_of_a_uri_is_in_the_first_lines() {
    let home = Home::at("mongodb://annabel:hunter2@127.0.0.1:1/shop".to_owned());
    let service = Service::start_unready(&home, &[]).await;
    let log = service.log();
    assert!(log.contains("127.0.0.1:1") && log.contains("\"database\":\"shop\""), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("annabel"), "{log}");
}
