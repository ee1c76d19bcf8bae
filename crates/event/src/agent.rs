//! What a user agent is, in the few words that a person wants to know.
//!
//! The text itself tells one visitor from another and is not kept. It is made into a
//! browser, a system and a kind of device when an event comes in, by the marks below: the
//! first of a table that the text has in it decides, so what calls itself by the name of
//! another as well stands before that one.

/// What somebody used, as far as their user agent tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// The browser's name.
    pub browser: Option<&'static str>,
    /// The system's name.
    pub os: Option<&'static str>,
    /// `desktop`, `phone`, `tablet` or `bot`.
    pub device: &'static str,
}

const BROWSERS: [(&str, &str); 18] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Trident/", "Internet Explorer"),
    ("MSIE ", "Internet Explorer"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("Windows Phone", "Windows Phone"),
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("iPod", "iOS"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// In lower case, as texts are written both ways.
const BOTS: [&str; 10] = [
    "bot",
    "crawler",
    "spider",
    "slurp",
    "headless",
    "lighthouse",
    "preview",
    "monitor",
    "facebookexternalhit",
    "pingdom",
];

/// How the user agents of browsers begin, and those of bots that read pages as one.
const BROWSER: &str = "Mozilla/";

/// Bytes of a user agent that are looked at.
const MOST_BYTES: usize = 512;

impl Agent {
    /// Of a user agent; `None` where it is no browser's.
    pub fn of(text: &str) -> Option<Self> {
        if !text.starts_with(BROWSER) {
            return None;
        }
        let text = clipped(text);
        let named = |table: &[(&str, &'static str)]| {
            table.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
        };
        Some(Self { browser: named(&BROWSERS), os: named(&SYSTEMS), device: device(text) })
    }
}

/// As much of a user agent as is looked at, or kept.
pub fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_BYTES)]
}

fn device(text: &str) -> &'static str {
    let has = |mark: &str| text.contains(mark);
    let lower = text.to_ascii_lowercase();
    if BOTS.iter().any(|mark| lower.contains(mark)) {
        return "bot";
    }
    // Android says Mobile on a phone and not on a tablet.
    if has("iPad") || has("Tablet") || has("Android") && !has("Mobile") {
        "tablet"
    } else if has("Mobi") || has("iPhone") || has("iPod") {
        "phone"
    } else {
        "desktop"
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_its_system_and_the_kind_of_device_are_told() {
        for (text, browser, os, device) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge",
                "Windows",
                "desktop",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like \
                 Gecko) Version/26.0 Safari/605.1.15",
                "Safari",
                "macOS",
                "desktop",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome",
                "iOS",
                "phone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/28.0 Chrome/130.0.0.0 Safari/537.36",
                "Samsung Internet",
                "Android",
                "tablet",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox",
                "Linux",
                "desktop",
            ),
        ] {
            let agent = Agent::of(text).unwrap();
            assert_eq!((agent.browser, agent.os, agent.device), (Some(browser), Some(os), device));
        }
    }

    #[test]
    fn what_reads_pages_by_itself_is_a_bot_and_what_is_no_browser_is_nothing() {
        for bot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/142.0 Safari/537.36",
        ] {
            assert_eq!(Agent::of(bot).unwrap().device, "bot", "{bot}");
        }
        for other in ["", "curl/8.5.0", "posthog-python/7.91.1", "okhttp/4.12.0"] {
            assert_eq!(Agent::of(other), None, "{other}");
        }
    }

    #[test]
    fn of_a_text_of_any_length_no_more_is_looked_at_than_browsers_send() {
        let long = format!("Mozilla/5.0 {}Firefox/145.0", "é".repeat(5_000));
        assert_eq!(Agent::of(&long).unwrap().browser, None);
        assert!(clipped(&long).len() <= MOST_BYTES);
    }
}
