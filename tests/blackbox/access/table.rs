//! The table of who may do what: one list, from which `docs/ACCESS.md` is written, which
//! has every operation of the OpenAPI document, and by which `callers` tries everybody at
//! every route.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use reqwest::Method;

use crate::home::Home;
use crate::service::Service;

/// Whom a route is for. Each is for all of the later ones too, but for what is about a
/// person's own session, which is for people alone.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub enum For {
    /// Whoever comes.
    Everybody,
    /// A token with the scope `monitor`.
    Monitors,
    /// A token with the scope `read`.
    Readers,
    /// A person who is signed in, and the shell.
    Staff,
    /// A person who is signed in, about their own session.
    People,
    /// An administrator, and a token with the scope `privacy`, which is for nothing else.
    Privacy,
    /// An administrator.
    Admins,
}

/// A route, as the OpenAPI document has it.
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// What it needs to be answered well.
    pub query: &'static str,
    pub whom: For,
}

impl Route {
    pub fn method(&self) -> Method {
        self.method.parse().expect("a method")
    }

    /// Its path with something in the places of parameters.
    pub fn called(&self) -> String {
        const ID: &str = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";
        let places = [("{userId}", "u"), ("{accountId}", "a"), ("{name}", "default"), ("{id}", ID)];
        places.iter().fold(self.path.to_owned(), |path, (place, with)| path.replace(place, with))
    }
}

const fn route(method: &'static str, path: &'static str, whom: For) -> Route {
    Route { method, path, query: "", whom }
}

pub const ROUTES: &[Route] = &[
    route("POST", "/events", For::Everybody),
    route("GET", "/events.schema.json", For::Everybody),
    route("GET", "/t.js", For::Everybody),
    route("GET", "/t.{hash}.js", For::Everybody),
    route("POST", "/v1/{call}", For::Everybody),
    route("POST", "/beacon/v1/batch", For::Everybody),
    route("GET", "/v1/projects/{key}/settings", For::Everybody),
    route("GET", "/sourceConfig", For::Everybody),
    route("POST", "/batch", For::Everybody),
    route("GET", "/batch", For::Everybody),
    route("POST", "/e", For::Everybody),
    route("GET", "/e", For::Everybody),
    route("POST", "/i/v0/e", For::Everybody),
    route("GET", "/i/v0/e", For::Everybody),
    route("POST", "/capture", For::Everybody),
    route("GET", "/capture", For::Everybody),
    route("POST", "/track", For::Everybody),
    route("GET", "/track", For::Everybody),
    route("POST", "/engage", For::Everybody),
    route("GET", "/engage", For::Everybody),
    route("POST", "/flags", For::Everybody),
    route("POST", "/decide", For::Everybody),
    route("GET", "/array/{token}/config", For::Everybody),
    route("GET", "/array/{token}/config.js", For::Everybody),
    route("POST", "/s", For::Everybody),
    route("GET", "/livez", For::Everybody),
    route("GET", "/readyz", For::Everybody),
    route("POST", "/api/auth/sign-up/email", For::Everybody),
    route("POST", "/api/auth/sign-in/email", For::Everybody),
    route("GET", "/health", For::Monitors),
    route("GET", "/stats", For::Monitors),
    route("GET", "/stats/history", For::Monitors),
    route("GET", "/refused", For::Monitors),
    route("GET", "/metrics", For::Monitors),
    route("GET", "/processors", For::Monitors),
    route("GET", "/processors/{name}", For::Monitors),
    route("GET", "/users/{userId}/journey", For::Readers),
    // Refused for the parameter, behind the guard: as they are they would not end.
    Route { query: "?no=such", ..route("GET", "/users/{userId}/live", For::Readers) },
    Route { query: "?no=such", ..route("GET", "/live", For::Readers) },
    route("GET", "/users/{userId}", For::Readers),
    Route { query: "?q=u", ..route("GET", "/search", For::Readers) },
    route("GET", "/accounts/{accountId}/summary", For::Readers),
    route("GET", "/accounts/{accountId}/events", For::Readers),
    route("GET", "/accounts/sample", For::Readers),
    route("GET", "/processors/{name}/users", For::Readers),
    route("GET", "/api/team", For::Staff),
    route("GET", "/session", For::People),
    route("GET", "/api/auth/get-session", For::People),
    route("GET", "/api/auth/sessions", For::People),
    route("DELETE", "/api/auth/sessions", For::People),
    route("DELETE", "/api/auth/sessions/{id}", For::People),
    route("POST", "/api/auth/sign-out", For::People),
    route("POST", "/api/auth/change-password", For::People),
    route("GET", "/users/{userId}/export", For::Privacy),
    route("DELETE", "/users/{userId}", For::Privacy),
    route("DELETE", "/users/{userId}/block", For::Privacy),
    route("GET", "/api/erasures/{id}", For::Privacy),
    route("DELETE", "/api/instances/{id}", For::Privacy),
    route("GET", "/users", For::Admins),
    route("GET", "/api/staff", For::Admins),
    route("POST", "/api/staff", For::Admins),
    route("PATCH", "/api/staff/{id}", For::Admins),
    route("GET", "/api/tokens", For::Admins),
    route("POST", "/api/tokens", For::Admins),
    route("DELETE", "/api/tokens/{id}", For::Admins),
    route("GET", "/api/write-keys", For::Admins),
    route("POST", "/api/write-keys", For::Admins),
    route("DELETE", "/api/write-keys/{id}", For::Admins),
    route("PUT", "/api/team", For::Admins),
    route("GET", "/api/audit", For::Admins),
    route("POST", "/api/reload", For::Admins),
    route("POST", "/users/{userId}/links", For::Admins),
    route("DELETE", "/users/{userId}/links/{id}", For::Admins),
    route("GET", "/dead-letters", For::Admins),
    route("DELETE", "/dead-letters", For::Admins),
    route("POST", "/dead-letters/retry", For::Admins),
    route("GET", "/dead-letters/{id}", For::Admins),
    route("DELETE", "/dead-letters/{id}", For::Admins),
    route("POST", "/dead-letters/{id}/retry", For::Admins),
    route("DELETE", "/processors/{name}", For::Admins),
    route("POST", "/processors/{name}/pause", For::Admins),
    route("POST", "/processors/{name}/resume", For::Admins),
    route("POST", "/processors/{name}/replay", For::Admins),
    route("POST", "/processors/{name}/check", For::Admins),
    route("GET", "/processors/{name}/commands", For::Admins),
    route("POST", "/processors/{name}/users/{userId}/retry", For::Admins),
    route("POST", "/processors/{name}/users/{userId}/skip", For::Admins),
    route("POST", "/processors/{name}/users/{userId}/release", For::Admins),
    route("GET", "/processors/{name}/dead-letters", For::Admins),
    route("DELETE", "/processors/{name}/dead-letters/{id}", For::Admins),
    route("POST", "/processors/{name}/dead-letters/{id}/retry", For::Admins),
];

/// The callers of the table, with up to where they may.
const CALLERS: [(&str, For); 7] = [
    ("nobody", For::Everybody),
    ("`privacy`", For::Everybody),
    ("`monitor`", For::Monitors),
    ("`read`", For::Readers),
    ("support", For::People),
    ("staff", For::People),
    ("admin", For::Admins),
];

/// What a page of another site gets, with an administrator's cookie if a browser sends it.
fn elsewhere(route: &Route) -> &'static str {
    match (route.path, route.method) {
        ("/livez" | "/readyz", _) => "unread",
        // What trackers use.
        (path, _) if route.whom == For::Everybody && !path.starts_with("/api/") => "yes",
        (_, "GET") => "unread",
        _ => "403",
    }
}

/// The rows of the document.
fn table() -> String {
    let mut text = String::from("| route |");
    CALLERS.iter().for_each(|(caller, _)| write!(text, " {caller} |").expect("text"));
    text.push_str(" shell | other site |\n|");
    text.push_str(&" --- |".repeat(CALLERS.len() + 3));
    text.push('\n');
    for route in ROUTES {
        write!(text, "| `{} {}` |", route.method, route.path).expect("text");
        for (caller, may) in CALLERS {
            let refused = if caller == "nobody" { "401" } else { "403" };
            let is_privacy = caller == "`privacy`" && route.whom == For::Privacy;
            let cell = if may >= route.whom || is_privacy { "yes" } else { refused };
            write!(text, " {cell} |").expect("text");
        }
        let shell = if route.whom == For::People { "403" } else { "yes" };
        writeln!(text, " {shell} | {} |", elsewhere(route)).expect("text");
    }
    text
}

/// Whatever is added to the service is added here, and so tried.
#[tokio::test]
async fn every_route_of_the_document_is_in_the_table_and_none_besides() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let document = service.get("/api-docs.json").await.expect(200).json();
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let listed = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path));
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(listed.len(), ROUTES.len(), "a route is there twice");
    assert_eq!(listed, documented);
}

#[test]
fn the_document_has_the_table_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ACCESS.md");
    let text = std::fs::read_to_string(&path).expect("docs/ACCESS.md");
    let table = table();
    assert!(text.contains(&table), "docs/ACCESS.md has another table; it is to have:\n{table}");
}
