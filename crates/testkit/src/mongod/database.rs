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
