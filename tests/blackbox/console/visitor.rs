//! A browser without scripts: it keeps a session's cookie, and sends forms.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

use crate::answer::Answer;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD};

/// What a browser says that sends a form of the page it shows.
const OWN_PAGE: &str = "same-origin";

/// What strangers put wherever they may put anything.
pub const MARKUP: &str = "<img src=x onerror=alert(1)>";

/// Somebody who looks at pages.
pub struct Visitor<'a> {
    service: &'a Service,
    client: Client,
    cookie: String,
}

impl<'a> Visitor<'a> {
    /// The administrator.
    pub async fn admin(service: &'a Service) -> Self {
        service.admin().await;
        Self::signed_in(service, ADMIN, PASSWORD).await
    }

    /// Somebody with this address and password.
    pub async fn signed_in(service: &'a Service, email: &str, password: &str) -> Self {
        let mut visitor = Self::stranger(service);
        let fields = [("email", email), ("password", password), ("back", "/console/")];
        let answer = visitor.post("/console/sign-in", &fields).await.expect(303);
        visitor.take_cookie(&answer);
        visitor
    }

    /// Somebody of this role, whom the administrator has made.
    pub async fn of_role(service: &'a Service, email: &str, role: &str) -> Self {
        let body = serde_json::json!({
            "email": email, "password": PASSWORD, "name": "Kim Lee", "role": role,
        });
        service.send(service.request(Method::POST, "/api/staff").json(&body)).await.expect(201);
        Self::signed_in(service, email, PASSWORD).await
    }

    /// Nobody who is known.
    pub fn stranger(service: &'a Service) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none());
        Self { service, client: client.build().expect("a client"), cookie: String::new() }
    }

    /// Keeps the session that an answer opens.
    pub fn take_cookie(&mut self, answer: &Answer) {
        let (cookie, _) = answer.header("set-cookie").split_once(';').expect("a cookie");
        cookie.clone_into(&mut self.cookie);
    }

    /// A page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A page, as text.
    pub async fn page(&self, path: &str) -> String {
        self.get(path).await.expect(200).text()
    }

    /// Sends a form of a page of ours.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(OWN_PAGE, path, fields).await
    }

    /// Sends a form of a page of another site.
    pub async fn post_from_elsewhere(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("cross-site", path, fields).await
    }

    async fn post_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_of(fields);
        let request = self.request(Method::POST, path).header("sec-fetch-site", site);
        let media_type = "application/x-www-form-urlencoded";
        self.send(request.header("content-type", media_type).body(form)).await
    }

    /// Sends a form that is taken, and reads the page that follows.
    pub async fn done(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, fields).await.expect(303);
        self.page(answer.header("location")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.service.url(path));
        request.header("accept", "text/html").header("cookie", &self.cookie)
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }
}

fn form_of(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The text between two others.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}
