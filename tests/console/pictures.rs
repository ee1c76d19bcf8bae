//! The pictures of the documentation.
//!
//! `cargo test --test console -- --ignored pictures` makes them anew, from what the
//! stage shows.

use std::fs;
use std::path::PathBuf;

use crate::browser::Browser;
use crate::every_view::{in_order, show};
use crate::stage::stage;
use crate::views::Who;

/// All of them together.
const MOST_BYTES: u64 = 1024 * 1024;

const SHOWN: [&str; 11] = [
    "sign-in",
    "find-results",
    "user-open",
    "system",
    "account",
    "live",
    "connect",
    "set-aside",
    "processors",
    "keys",
    "audit",
];

#[tokio::test]
#[ignore = "writes into docs/pictures"]
async fn pictures() {
    let Some(browser) = Browser::open().await else { return };
    let stage = stage().await;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    fs::create_dir_all(&folder).unwrap();
    let mut is_signed_in = false;
    for view in in_order().into_iter().filter(|view| SHOWN.contains(&view.name)) {
        if view.who == Who::Admin && !is_signed_in {
            browser.is_admin(&stage.service).await;
            is_signed_in = true;
        }
        for (mode, is_dark) in [("light", false), ("dark", true)] {
            browser.is_dark(is_dark).await;
            browser.is_wide(1200).await;
            show(&browser, stage, &view).await;
            let file = folder.join(format!("{}-{mode}.webp", view.name));
            fs::write(file, browser.small_picture().await).unwrap();
        }
    }
    let files = fs::read_dir(&folder).unwrap();
    let sum: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(sum <= MOST_BYTES, "{sum} bytes");
    browser.close().await;
}
