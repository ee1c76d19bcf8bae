//! axe-core, which finds what keeps people out of a page.

use std::fs;
use std::sync::OnceLock;

use crate::wheel::Wheel;

const WHEEL: Wheel = Wheel {
    package: "axe-playwright-python==0.1.8",
    sha256: "fdd263c998388f1a8e67cad02677e612d946248bd44d163be5e8650ea31f95f8",
    member: "axe_playwright_python/axe.min.js",
};

/// The script, which gives a page the object `axe`.
///
/// # Panics
///
/// When it was not fetched before and cannot be now.
pub fn script() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let file = WHEEL.fetched("axe-core-4.12").unwrap_or_else(|reason| {
            panic!(
                "These tests need axe-core, and it is not there: {reason}\n\
                 Have python3 with pip reach a package index, so that {} can be fetched.",
                WHEEL.package
            )
        });
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    })
}
