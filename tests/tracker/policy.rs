//! Pages with a strict policy, and a script that the browser checks.

use reqwest::Method;

use crate::visit::Visit;

/// What the page *Connect your site* shows of the pinned script: its path and its hash.
async fn pinned(visit: &Visit) -> (String, String) {
    let service = visit.service();
    let cookie = format!("trailkeep={}", service.admin().await);
    let request = service.request(Method::GET, "/console/connect").header("cookie", cookie);
    let page = service.send_as_it_is(request).await.expect(200).text();
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{start} in {page}"));
        rest.split(end).next().expect("an end").to_owned()
    };
    let script = between("src=<b>\"http", "crossorigin");
    let pinned = script.rsplit("src=<b>\"").next().expect("a second script");
    let path = pinned.split('"').next().and_then(|url| url.rsplit('/').next());
    (format!("/{}", path.expect("a name")), between("integrity=<b>\"", "\""))
}

#[tokio::test]
async fn a_strict_policy_and_a_script_that_is_checked_are_no_hindrance() {
    let Some(visit) = Visit::begin().await else { return };
    let (path, integrity) = pinned(&visit).await;
    let origin = &visit.gate.origin;
    visit.site.has_policy(&format!(
        "default-src 'none'; img-src data:; script-src {origin}; connect-src {origin}; \
         base-uri 'none'; require-trusted-types-for 'script'; trusted-types"
    ));
    let tag =
        format!("<script src=\"{origin}{path}\" integrity=\"{integrity}\" crossorigin></script>");
    visit.site.has(&tag, "");
    visit.goes_to("/").await;
    let visitor = visit.visitor().await;
    visit.steps(0, 5).await;
    visit.until_arrived(&visitor, 0, 5).await;
    visit.browser.close().await;
}
