//! Somebody on a site that is tracked: the service, the way to it, the site, the browser.

use std::time::Duration;

use serde_json::{Value, json};
use trailkeep_testkit::browser::Browser;
use trailkeep_testkit::eventually::eventually;
use trailkeep_testkit::home::Home;
use trailkeep_testkit::service::Service;

use crate::gate::Gate;
use crate::site::Site;

/// How long events are waited for: as long as a tracker may rest after some failures.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of it. `service` is taken out where it is ended.
pub struct Visit {
    pub home: Home,
    service: Option<Service>,
    pub gate: Gate,
    pub site: Site,
    pub browser: Browser,
}

impl Visit {
    /// A browser that is on no page yet; `None` where there is no Chromium.
    pub async fn begin() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same, with settings of the service.
    pub async fn with(settings: &[(&str, &str)]) -> Option<Self> {
        let browser = Browser::open().await?;
        let home = Home::embedded();
        let service = Service::start_with(&home, settings).await;
        let gate = Gate::to(&service).await;
        let site = Site::start().await;
        let visit = Self { home, service: Some(service), gate, site, browser };
        visit.site.has(&visit.tag(""), "");
        // What a browser says of requests that fail is what these tests are about.
        visit.browser.expects(&["/events?writeKey="]);
        Some(visit)
    }

    /// The tracker's tag, with attributes.
    pub fn tag(&self, attributes: &str) -> String {
        format!("<script src=\"{}/t.js\" {attributes}></script>", self.gate.origin)
    }

    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("a service that runs")
    }

    /// Kills the service.
    pub async fn service_crashes(&mut self) {
        self.service.take().expect("a service that runs").crash().await;
    }

    /// Starts it again, elsewhere, with these settings.
    pub async fn service_returns(&mut self, settings: &[(&str, &str)]) {
        let service = Service::start_with(&self.home, settings).await;
        self.gate.leads_to(&service);
        self.service = Some(service);
    }

    /// Opens a page of the site.
    pub async fn goes_to(&self, path: &str) {
        self.browser.goto(&self.site.url(path)).await;
    }

    /// Leaves for a page that is nobody's.
    pub async fn leaves(&self) {
        self.browser.goto("about:blank").await;
    }

    /// Tracks steps with these numbers, at once.
    pub async fn steps(&self, from: u32, to: u32) {
        let script = format!(
            "(() => {{ for (let n = {from}; n < {to}; n++) trailkeep.track('step', {{ n }}) }})()"
        );
        self.browser.value(&script).await;
    }

    /// Under which the visitor is known.
    pub async fn visitor(&self) -> String {
        self.browser.text("trailkeep.anonymousId").await
    }

    /// The events of somebody, the oldest first.
    pub async fn events_of(&self, user: &str) -> Vec<Value> {
        let text = self
            .service()
            .send(
                self.service()
                    .request(reqwest::Method::GET, &format!("/users/{user}/journey?order=asc"))
                    .header("accept", "application/x-ndjson"),
            )
            .await
            .expect(200)
            .text();
        text.lines().map(|line| serde_json::from_str(line).expect("an event")).collect()
    }

    /// The numbers of the steps in a journey.
    pub async fn numbers_of(&self, user: &str) -> Vec<u64> {
        let events = self.events_of(user).await;
        let steps = events.iter().filter(|event| event["type"] == "step");
        let mut numbers: Vec<u64> =
            steps.map(|step| step["payload"]["n"].as_u64().expect("a number")).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Waits until a journey has these steps, each once.
    pub async fn until_arrived(&self, user: &str, from: u64, to: u64) {
        let what = format!("the steps from {from} to {to} arrive");
        eventually(&what, PATIENCE, || async {
            let numbers = self.numbers_of(user).await;
            let has_all = numbers.len() as u64 >= to - from;
            has_all.then(|| assert!(numbers.iter().copied().eq(from..to), "{numbers:?}"))
        })
        .await;
    }

    /// Waits until a journey has events of these types in this order, and no others.
    pub async fn until_types_are(&self, user: &str, types: &[&str]) -> Vec<Value> {
        eventually(&format!("the events are {types:?}"), PATIENCE, || async {
            let events = self.events_of(user).await;
            let found: Vec<&str> =
                events.iter().map(|event| event["type"].as_str().expect("a type")).collect();
            (found == types).then_some(events)
        })
        .await
    }

    /// Waits until so many requests with events have come by.
    pub async fn until_passed(&self, requests: usize) {
        eventually("requests come by", PATIENCE, || async {
            (self.gate.passed().len() >= requests).then_some(())
        })
        .await;
    }

    /// Runs a script before those of each page.
    pub async fn prepares_pages(&self, source: &str) {
        let parameters = json!({ "source": source });
        self.browser.cdp("Page.addScriptToEvaluateOnNewDocument", parameters).await;
    }

    /// What the tracker has in the browser's storage: keys without what is random in them.
    pub async fn kept(&self) -> Vec<String> {
        let keys = self
            .browser
            .value("Object.keys(localStorage).map((key) => key.slice(0, 4)).sort()")
            .await;
        let keys = keys.as_array().expect("keys").iter();
        keys.map(|key| key.as_str().expect("a key").to_owned()).collect()
    }
}

/// How many events were dropped, as those that arrived tell.
pub fn told(events: &[Value]) -> u64 {
    events.iter().filter_map(|event| event["payload"]["trackerDropped"].as_u64()).sum()
}
