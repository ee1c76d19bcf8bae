//! Several tabs of one browser.

use serde_json::json;

use super::Browser;

/// One tab, by the name that the driver has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab(String);

impl Browser {
    /// The tab that is driven.
    pub async fn tab(&self) -> Tab {
        let handle = self.done(self.session.get("/window").await);
        Tab(handle.as_str().expect("a handle").to_owned())
    }

    /// Opens a tab beside it and drives that one.
    pub async fn open_tab(&self) -> Tab {
        let new = self.done(self.session.post("/window/new", &json!({ "type": "tab" })).await);
        let tab = Tab(new["handle"].as_str().expect("a handle").to_owned());
        self.drives(&tab).await;
        tab
    }

    /// Drives this tab from now on.
    pub async fn drives(&self, Tab(handle): &Tab) {
        self.done(self.session.post("/window", &json!({ "handle": handle })).await);
    }

    /// Closes the tab that is driven, as somebody does who is done, and drives another.
    pub async fn closes_tab(&self, next: &Tab) {
        self.done(self.session.delete("/window").await);
        self.drives(next).await;
    }

    /// Goes back, as by the button for it.
    pub async fn goes_back(&self) {
        self.done(self.session.post("/back", &json!({})).await);
    }
}
