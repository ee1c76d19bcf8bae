//! What keeps people out of a page, as axe-core finds it.

use serde_json::{Value, json};

use crate::browser::Browser;

/// Pages have axe from the next one on: by the browser's tools, which no page's policy
/// holds.
pub async fn comes_along(browser: &Browser) {
    let source = json!({ "source": trailkeep_testkit::axe::script() });
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", source).await;
}

/// What axe finds wrong with the page that is open, a line for each element.
pub async fn violations(browser: &Browser) -> Vec<String> {
    run(browser, "{ resultTypes: ['violations'] }").await
}

/// What it finds wrong with the colours alone: of its rules those that other colours can
/// break.
pub async fn violations_of_colours(browser: &Browser) -> Vec<String> {
    let rules = "['color-contrast', 'link-in-text-block']";
    run(browser, &format!("{{ resultTypes: ['violations'], runOnly: {rules} }}")).await
}

async fn run(browser: &Browser, options: &str) -> Vec<String> {
    let run = format!(
        "axe.run(document, {options}).then((results) => \
         results.violations.flatMap((violation) => violation.nodes.map((node) => \
         `${{violation.id}}: ${{node.target.join(' ')}}: ${{node.failureSummary}}`)))"
    );
    let found = browser.resolved(&run).await;
    let found = found.as_array().unwrap_or_else(|| panic!("axe says {found}"));
    found.iter().map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned)).collect()
}

/// A value that axe's script left in the page, to see that it ran at all.
pub async fn version(browser: &Browser) -> Value {
    browser.value("window.axe?.version ?? null").await
}
