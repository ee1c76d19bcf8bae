//! A site whose pages have the tracker.

use std::sync::{Arc, Mutex};

use crate::net::{self, Request};

/// A site that answers every path with the same page, as the server of a single-page
/// application does.
pub struct Site {
    origin: String,
    page: Arc<Mutex<Page>>,
    server: tokio::task::JoinHandle<()>,
}

/// What it answers.
#[derive(Clone, Default)]
struct Page {
    html: String,
    headers: Vec<(String, String)>,
}

impl Site {
    pub async fn start() -> Self {
        let (listener, origin) = net::listener().await;
        let page = Arc::new(Mutex::new(Page::default()));
        let shared = Arc::clone(&page);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    if Request::read(&mut stream).await.is_some() {
                        // Now and not before: browsers open connections ahead of a request.
                        let page = shared.lock().unwrap().clone();
                        let mut headers = page.headers;
                        headers.push(("content-type".into(), "text/html; charset=utf-8".into()));
                        let _ = net::answer(&mut stream, 200, &headers, page.html.as_bytes()).await;
                    }
                });
            }
        });
        Self { origin, page, server }
    }

    /// Has this page from now on, with the tracker's tag in its head.
    pub fn has(&self, tag: &str, body: &str) {
        self.page.lock().unwrap().html = format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title>\
             <link rel=icon href=data:,>{tag}</head><body>{body}</body></html>"
        );
    }

    /// Has this policy from now on.
    pub fn has_policy(&self, policy: &str) {
        let header = ("content-security-policy".to_owned(), policy.to_owned());
        self.page.lock().unwrap().headers = vec![header];
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}
