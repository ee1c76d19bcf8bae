//! A browser, as somebody at a desk or with a telephone has it: Debian's Chromium.

pub mod chromium;
pub mod tabs;
pub mod webdriver;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::chromium::Driver;
use self::webdriver::{Element, Refusal, Session};
use crate::eventually::{SOON, eventually};
use crate::service::Service;

/// Keys that have no letter.
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";
pub const TAB: &str = "\u{e004}";

/// How long an element is waited for.
const PATIENCE: Duration = SOON;

/// A browser with an empty profile. It has to be closed, for then it is asked what it
/// complained of.
pub struct Browser {
    session: Session,
    folder: PathBuf,
    /// Parts of complaints that the test expects.
    expected: Mutex<Vec<&'static str>>,
    is_closed: bool,
}

impl Browser {
    /// Starts one, 1280 px wide, in light colours; `None` where there is no Chromium.
    pub async fn open() -> Option<Self> {
        Self::open_with(&[]).await
    }

    /// Starts one with flags besides.
    pub async fn open_with(flags: &[&str]) -> Option<Self> {
        let programs = chromium::programs()?;
        let driver = Driver::shared(programs).await;
        let folder = driver.folder_for_one();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en-US",
            // As on a telephone, where they take no room.
            "--hide-scrollbars",
            &format!("--user-data-dir={}", folder.join("profile").display()),
        ];
        let wanted = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "binary": programs.browser, "args": arguments.iter().chain(flags).collect::<Vec<_>>() },
        });
        let session = Session::open(driver.address, &wanted).await;
        let session = session.unwrap_or_else(|refusal| panic!("no browser: {refusal:?}"));
        let browser = Self { session, folder, expected: Mutex::default(), is_closed: false };
        browser.is_wide(1280).await;
        browser.is_dark(false).await;
        Some(browser)
    }

    /// Ends it. Fails where a page violated its policy, a script failed or something
    /// could not be loaded.
    pub async fn close(mut self) {
        self.assert_no_complaint("at the end").await;
        self.is_closed = true;
    }

    /// What the browser complained of since it was last asked, but for what is expected.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.done(self.session.post("/se/log", &json!({ "type": "browser" })).await);
        let expected = self.expected();
        let entries = log.as_array().expect("a log").iter();
        entries
            .filter(|entry| {
                ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap_or_default())
            })
            .map(|entry| entry["message"].as_str().expect("a message").to_owned())
            .filter(|message| !expected.iter().any(|part| message.contains(part)))
            .collect()
    }

    pub async fn assert_no_complaint(&self, place: &str) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{place}: {complaints:#?}");
    }

    /// Complaints with one of these in them are, from now on, what the test is about.
    pub fn expects(&self, complaints: &[&'static str]) {
        *self.expected() = complaints.to_vec();
    }

    fn expected(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done<T>(&self, answer: Result<T, Refusal>) -> T {
        answer.unwrap_or_else(|Refusal(reason)| panic!("the browser refuses: {reason}"))
    }

    // ---------------------------------------------------------------- how it is set

    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.done(self.session.cdp(command, &parameters).await)
    }

    /// How wide its window is.
    pub async fn is_wide(&self, width: u32) {
        let height = if width < 600 { 740 } else { 900 };
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Whether the system that it pretends to be on prefers dark colours.
    pub async fn is_dark(&self, is_dark: bool) {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": value },
            // Nothing is measured in the middle of a movement.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Pages run no scripts from the next one on.
    pub async fn runs_no_scripts(&self) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    /// The folder that files are taken along into, from now on.
    pub async fn downloads(&self) -> PathBuf {
        let folder = Driver::downloads(&self.folder);
        let behavior = json!({ "behavior": "allow", "downloadPath": folder });
        self.cdp("Browser.setDownloadBehavior", behavior).await;
        folder
    }

    /// Has the session of the service's administrator.
    pub async fn is_admin(&self, service: &Service) {
        self.has_session(service, service.admin().await).await;
    }

    /// Has this session.
    pub async fn has_session(&self, service: &Service, token: &str) {
        let cookie = json!({
            "name": "trailkeep", "value": token, "url": service.url("/"), "httpOnly": true,
        });
        self.cdp("Network.setCookie", cookie).await;
    }

    // ---------------------------------------------------------------- what is there

    /// Where it is: path and query.
    pub async fn place(&self) -> String {
        self.text("location.pathname + location.search").await
    }

    /// What an expression is.
    pub async fn value(&self, expression: &str) -> Value {
        self.done(self.session.execute(&format!("return ({expression});")).await)
    }

    /// What an expression is that is a text.
    pub async fn text(&self, expression: &str) -> String {
        let value = self.value(expression).await;
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// How many elements a selector finds.
    pub async fn count(&self, css: &str) -> u64 {
        let count = self.value(&format!("document.querySelectorAll({}).length", quoted(css))).await;
        count.as_u64().expect("a number")
    }

    /// What the first element says that a selector finds.
    pub async fn says(&self, css: &str) -> String {
        self.text(&format!("document.querySelector({})?.textContent ?? ''", quoted(css))).await
    }

    /// Waits until an expression holds, also over pages that come and go meanwhile.
    pub async fn until(&self, expression: &str) {
        let script = format!("return !!({expression});");
        eventually(expression, PATIENCE, || async {
            let value = self.session.execute(&script).await;
            value.is_ok_and(|value| value == true).then_some(())
        })
        .await;
    }

    /// Waits until a selector finds something.
    pub async fn until_there(&self, css: &str) {
        self.until(&format!("document.querySelector({})", quoted(css))).await;
    }

    /// Waits until a page is loaded whose path and query begin so.
    pub async fn until_at(&self, place: &str) {
        let place = quoted(place);
        self.until(&format!(
            "document.readyState === 'complete' \
             && (location.pathname + location.search).startsWith({place})"
        ))
        .await;
    }

    /// What a script in the page resolves to; for what takes its time.
    pub async fn resolved(&self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.cdp("Runtime.evaluate", parameters).await;
        assert!(answer["exceptionDetails"].is_null(), "{answer:#}");
        answer["result"]["value"].clone()
    }

    /// A picture of the window, four fifths of its size, as a WebP.
    pub async fn small_picture(&self) -> Vec<u8> {
        let size = self.value("[innerWidth, innerHeight]").await;
        let parameters = json!({
            "format": "webp", "quality": 80,
            "clip": { "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 0.8 },
        });
        let picture = self.cdp("Page.captureScreenshot", parameters).await;
        STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64")
    }

    // ---------------------------------------------------------------- what is done

    /// Opens an address.
    pub async fn goto(&self, url: &str) {
        self.done(self.session.post("/url", &json!({ "url": url })).await);
    }

    async fn found(&self, css: &str) -> Element {
        self.until_there(css).await;
        self.done(self.session.find(css).await)
    }

    /// Clicks into the middle of an element, which must not be covered.
    pub async fn click(&self, css: &str) {
        let element = self.found(css).await;
        self.done(self.session.post_to(&element, "/click", &json!({})).await);
    }

    /// Types into a field.
    pub async fn enter(&self, css: &str, text: &str) {
        let field = self.found(css).await;
        self.done(self.session.post_to(&field, "/value", &json!({ "text": text })).await);
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|deed| json!({ "type": deed, "value": key })))
            .collect();
        let actions = json!({
            "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }],
        });
        self.done(self.session.post("/actions", &actions).await);
    }

    /// A mark on the page that is gone once another page is loaded.
    pub async fn mark(&self) {
        self.value("document.documentElement.dataset.mark = 'here'").await;
    }

    pub async fn assert_is_the_same_page(&self) {
        let mark = self.value("document.documentElement.dataset.mark ?? null").await;
        assert_eq!(mark, "here", "the page was loaded anew");
    }

    /// Signs in by the form, which has to be there.
    pub async fn sign_in(&self, email: &str, password: &str) {
        self.enter("#email", email).await;
        self.enter("#password", password).await;
        self.click("form .btn.primary").await;
    }
}

/// A text as a script writes it.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let is_looked_at = self.is_closed || std::thread::panicking();
        assert!(is_looked_at, "a test has to close its browser");
    }
}
