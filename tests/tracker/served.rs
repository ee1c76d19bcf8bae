//! How the tracker is served.

use reqwest::Method;
use trailkeep_testkit::answer::Answer;
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;

async fn get(service: &Service, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = service.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send_as_it_is(request).await
}

/// The path of the present build.
fn build_path() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/web/tracker/builds/present");
    let hash = std::fs::read_to_string(path).expect("which build is the present one");
    format!("/t.{}.js", hash.trim())
}

#[tokio::test]
async fn pages_of_any_origin_have_the_script_and_ask_again_after_an_hour() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let answer = get(&service, "/t.js", &[("origin", "https://shop.example")]).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/javascript"));
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    let known = [("if-none-match", answer.header("etag"))];
    let again = get(&service, "/t.js", &known).await.expect(304);
    assert!(again.text().is_empty());
    let zipped = get(&service, "/t.js", &[("accept-encoding", "gzip")]).await.expect(200);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert_eq!(zipped.header("etag"), answer.header("etag"));
}

#[tokio::test]
async fn a_build_is_served_for_good_by_its_hash() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let answer = get(&service, &build_path(), &[]).await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.text(), get(&service, "/t.js", &[]).await.expect(200).text());
    get(&service, "/t.0123456789ab.js", &[]).await.problem(404);
}

#[tokio::test]
async fn the_path_is_a_setting() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("HTTP_TRACKER_PATH", "/shop.js")]).await;
    get(&service, "/shop.js", &[]).await.expect(200);
    get(&service, &build_path().replace("/t.", "/shop."), &[]).await.expect(200);
    get(&service, "/t.js", &[]).await.problem(404);
    let document = service.get("/api-docs.json").await.expect(200).json();
    assert!(document["paths"]["/shop.js"].is_object());
    assert!(document["paths"]["/shop.{hash}.js"].is_object());
}

#[tokio::test]
async fn a_path_that_its_events_would_not_lie_beside_is_refused_at_the_start() {
    let home = Home::embedded();
    for path in ["/js/shop.js", "shop.js", "/shop", "/.js", "/{a}.js"] {
        let ended = Service::refuses_to_start(&home, &[("HTTP_TRACKER_PATH", path)]).await;
        assert!(ended.log.contains("HTTP_TRACKER_PATH"), "{path}: {}", ended.log);
    }
}
