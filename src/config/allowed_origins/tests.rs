#![allow(clippy::unwrap_used)]

use super::*;

fn parse(origins: &[&str]) -> Result<AllowedOrigins, String> {
    let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
    AllowedOrigins::try_from(origins)
}

#[test]
fn a_star_alone_is_any() {
    assert_eq!(parse(&["*"]), Ok(AllowedOrigins::Any));
    assert!(parse(&["*", "https://shop.example"]).is_err());
}

#[test]
fn what_browsers_send_is_an_origin() {
    for origin in [
        "https://shop.example",
        "http://localhost:5173",
        "https://127.0.0.1:8443",
        "http://[::1]:8080",
        "http://[::1]",
        "https://xn--bcher-kva.example",
        "capacitor://localhost",
        "chrome-extension://abcdefgh",
        "http://shop.example:443",
    ] {
        let expected = AllowedOrigins::Listed(vec![origin.to_owned()]);
        assert_eq!(parse(&[origin]), Ok(expected), "{origin}");
    }
}

#[test]
fn what_no_browser_sends_is_refused_by_name() {
    for origin in [
        "",
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://user@shop.example",
        "https://Shop.example",
        "HTTPS://shop.example",
        "https://shop.example:",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:0443",
        "https://shop.example:99999",
        "https://*.shop.example",
        "https://bücher.example",
        "http://[::1",
        "null",
    ] {
        let fault = parse(&["https://fine.example", origin]).unwrap_err();
        assert!(fault.contains(&format!("{origin:?} is not of the form")), "{fault}");
    }
}
