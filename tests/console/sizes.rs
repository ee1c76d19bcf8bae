//! What a page weighs.

use std::io::Write as _;

use chrono::Utc;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use trailkeep_testkit::service::Service;

use crate::stage::stage;
use crate::story;

const STYLE_AND_SCRIPT: usize = 16 * 1024;
const PAGE: usize = 25 * 1024;

fn zipped(bytes: &[u8]) -> usize {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap().len()
}

async fn page(service: &Service, path: &str) -> String {
    let cookie = format!("trailkeep={}", service.admin().await);
    let request = service.request(Method::GET, path).header("cookie", cookie);
    let request = request.header("accept", "text/html");
    service.send_as_it_is(request).await.expect(200).text()
}

#[tokio::test]
async fn style_and_script_are_small() {
    let service = &stage().await.service;
    let page = page(service, "/console/").await;
    let mut sizes = Vec::new();
    for rest in page.split("\"/console/assets/").skip(1) {
        let name = rest.split(['"', '#']).next().unwrap();
        if !(name.ends_with(".css") || name.ends_with(".js")) {
            continue;
        }
        let request = service.request(Method::GET, &format!("/console/assets/{name}"));
        let request = request.header("accept-encoding", "gzip");
        let file = service.send_as_it_is(request).await.expect(200);
        assert_eq!(file.header("content-encoding"), "gzip");
        sizes.push((name.to_owned(), file.body.len()));
    }
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    let sum: usize = sizes.iter().map(|(_, size)| size).sum();
    eprintln!("style and script: {sum} of {STYLE_AND_SCRIPT} bytes, {sizes:?}");
    assert!(sum <= STYLE_AND_SCRIPT, "{sum} bytes: {sizes:?}");
}

#[tokio::test]
async fn a_page_of_a_hundred_events_is_small() {
    let service = &stage().await.service;
    let page = page(service, &format!("/console/users/{}", story::LENA)).await;
    let events = page.matches("name=\"open\"").count();
    assert_eq!(events, 100);
    let size = zipped(page.as_bytes());
    eprintln!("a page of 100 events: {size} of {PAGE} bytes at {}", Utc::now());
    assert!(size <= PAGE, "{size} bytes of {} plain ones", page.len());
}
