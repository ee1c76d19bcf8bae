//! Somebody who reads pages in a browser.

use reqwest::{Method, RequestBuilder};

use crate::answer::Answer;
use crate::service::Service;

/// A request for a page, with these cookies.
pub fn request(service: &Service, path: &str, cookies: &str) -> RequestBuilder {
    let request = service.request(Method::GET, path);
    request.header("accept", "text/html").header("cookie", cookies)
}

/// A page, as it is answered to whoever has this session.
pub async fn page_for(service: &Service, session: &str, path: &str) -> Answer {
    let cookie = format!("trailkeep={session}");
    service.send_as_it_is(request(service, path, &cookie)).await
}

/// A page, as the administrator reads it.
pub async fn page(service: &Service, path: &str) -> String {
    let session = service.admin().await;
    page_for(service, session, path).await.expect(200).text()
}

/// Checks that a page has all of these.
#[track_caller]
pub fn assert_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is not in {page}");
    }
}
