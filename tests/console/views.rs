//! Every view that there is.

use crate::story::{ACCOUNT, ERROR, LENA};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody, at a service that is to be set up.
    First,
    /// Nobody.
    Nobody,
    /// The administrator.
    Admin,
}

/// One view of a page.
pub struct View {
    /// What a failure and a picture call it.
    pub name: &'static str,
    /// The route that it is of; views of routes that are not there are left out.
    pub route: &'static str,
    pub path: String,
    /// Which link of that path leads to it, where its own path is not known before.
    pub link: Option<&'static str>,
    pub who: Who,
    /// What is done to the page before it is looked at.
    pub then: &'static str,
    /// What the browser complains of.
    pub complaint: Option<&'static str>,
}

/// The routes, as the console declares them.
const ROUTER: &str = include_str!("../../src/console/mod.rs");

/// Routes that are no page of their own: fragments, files, and what a page sends to.
const NO_VIEW: [&str; 12] = [
    "/",
    "/console/enter",
    "/console/live/rows",
    "/console/connect/rows",
    "/console/staff/tokens",
    "/console/assets/{file}",
    "/console/users/{userId}/activity",
    "/console/users/{userId}/event",
    "/console/users/{userId}/ticket",
    "/console/users/{userId}/journey.csv",
    "/console/users/{userId}/journey.ndjson",
    "/console/users/{userId}/everything.ndjson",
];

/// Pages of what the stage has none of: dead letters, processors, keys and tokens of somebody
/// else. `tests/blackbox/console/` reads them.
const NOT_ON_STAGE: [&str; 10] = [
    "/console/staff/tokens/{id}/revoke",
    "/console/keys/{id}/revoke",
    "/console/set-aside/drop",
    "/console/set-aside/{id}",
    "/console/set-aside/{id}/drop",
    "/console/processors/{name}",
    "/console/processors/{name}/skip",
    "/console/processors/{name}/letters/{id}/drop",
    "/console/processors/{name}/replay",
    "/console/processors/{name}/remove",
];

fn view(name: &'static str, route: &'static str, path: impl Into<String>) -> View {
    View { name, route, path: path.into(), link: None, who: Who::Admin, then: "", complaint: None }
}

fn all() -> Vec<View> {
    const USER: &str = "/console/users/{userId}";
    let lena = format!("/console/users/{LENA}");
    let not_found = Some("status of 404");
    let bad = Some("status of 400");
    let page = |name, route| view(name, route, route);
    vec![
        View { who: Who::First, ..page("set-up", "/console/set-up") },
        View { who: Who::Nobody, ..page("sign-in", "/console/sign-in") },
        view("find", "/console", "/console/"),
        view("find-results", "/console", "/console/?q=len"),
        view("find-nobody", "/console", "/console/?q=nobody-at-all"),
        View {
            then: "document.querySelector('details.menu').open = true",
            ..view("menu", "/console", "/console/")
        },
        View {
            then: "document.querySelector('#keys').showModal()",
            ..view("keys-dialog", "/console", "/console/")
        },
        view("user", USER, &*lena),
        view("user-open", USER, format!("{lena}?sessionId=s-today&open={ERROR}")),
        view("user-filtered", USER, format!("{lena}?type=payment_failed&type=error")),
        view("user-hidden", USER, "/console/users/u_9001?hide=page_view"),
        view("user-none", USER, format!("{lena}?text=there+is+no+such+text")),
        view("user-around", USER, "/console/users/u_9001?around=evt-3"),
        View { complaint: not_found, ..view("user-unknown", USER, "/console/users/nobody") },
        View { complaint: bad, ..view("failure", USER, format!("{lena}?day=nonsense")) },
        page("system", "/console/system"),
        view("account", "/console/accounts/{accountId}", format!("/console/accounts/{ACCOUNT}")),
        page("staff", "/console/staff"),
        View {
            link: Some("main a[href^='/console/staff/']"),
            ..view("person", "/console/staff/{id}", "/console/staff")
        },
        page("own-account", "/console/account"),
        page("keys", "/console/keys"),
        page("team", "/console/team"),
        page("audit", "/console/audit"),
        page("set-aside", "/console/set-aside"),
        page("processors", "/console/processors"),
        page("live", "/console/live"),
        page("connect", "/console/connect"),
        page("privacy", "/console/privacy"),
        view("privacy-user", "/console/privacy", format!("/console/privacy?user={LENA}")),
        View {
            link: Some("main a[href^='/console/privacy/']"),
            ..view("receipt", "/console/privacy/{id}", "/console/privacy")
        },
    ]
}

/// All views of routes that are there.
pub fn views() -> Vec<View> {
    all().into_iter().filter(|view| has_route(view.route)).collect()
}

/// Whether there is such a page.
pub fn has_route(route: &str) -> bool {
    routes().iter().any(|(known, _)| known == route)
}

/// The routes, and whether they are read.
fn routes() -> Vec<(String, bool)> {
    ROUTER
        .split(".route(")
        .skip(1)
        .filter_map(|rest| {
            let (_, rest) = rest.split_once('"')?;
            let (route, handler) = rest.split_once('"')?;
            Some((
                route.to_owned(),
                handler.trim_start_matches([',', ' ', '\n']).starts_with("get("),
            ))
        })
        .collect()
}

#[test]
fn every_page_of_the_console_is_a_view_that_is_looked_at() {
    let routes = routes();
    assert!(routes.iter().any(|(route, _)| route == "/console/sign-in"), "{routes:?}");
    let views = all();
    let is_seen = |route: &str| {
        NO_VIEW.contains(&route)
            || NOT_ON_STAGE.contains(&route)
            || views.iter().any(|view| view.route == route)
    };
    let unseen: Vec<_> =
        routes.iter().filter(|(route, is_read)| *is_read && !is_seen(route)).collect();
    assert!(unseen.is_empty(), "views.rs has no view of {unseen:?}");
}
