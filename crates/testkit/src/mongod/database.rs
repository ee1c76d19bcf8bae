//! One server's URI, turned into that of a database on it.

/// The same server and options, another database.
///
/// Credentials are checked against the database that the URI names; where they
/// are, that one stays named as `authSource`.
pub fn in_database(server: &str, database: &str) -> String {
    let (scheme, rest) = server.split_once("://").expect("a MongoDB URI");
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, former) = rest.split_once('/').unwrap_or((rest, ""));

    let mut options = options.to_owned();
    let names_source = options.to_ascii_lowercase().contains("authsource=");
    if hosts.contains('@') && !names_source {
        let source = if former.is_empty() { "admin" } else { former };
        let separator = if options.is_empty() { "" } else { "&" };
        options = format!("{options}{separator}authSource={source}");
    }
    let question = if options.is_empty() { "" } else { "?" };
    format!("{scheme}://{hosts}/{database}{question}{options}")
}

#[test]
fn the_database_of_a_uri_is_replaced_and_its_options_stay() {
    for (server, expected) in [
        ("mongodb://h:1", "mongodb://h:1/new"),
        ("mongodb://h:1/", "mongodb://h:1/new"),
        ("mongodb://h:1/old?w=1", "mongodb://h:1/new?w=1"),
        ("mongodb://u:p@h", "mongodb://u:p@h/new?authSource=admin"),
        ("mongodb+srv://u:p@h/old?w=1", "mongodb+srv://u:p@h/new?w=1&authSource=old"),
        ("mongodb://u:p@h/old?authSource=x", "mongodb://u:p@h/new?authSource=x"),
    ] {
        assert_eq!(in_database(server, "new"), expected, "{server}");
    }
}
