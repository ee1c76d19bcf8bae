//! `trailkeep privacy`: what is kept of whom, where, for how long and who may see it, by the
//! settings in force. A register of processing begins with that. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use crate::app;
use crate::config::Settings;
use crate::console::sight::{kept, length_of};
use crate::monitoring::version;

/// What is kept of somebody.
struct Kept {
    what: &'static str,
    whom: &'static str,
    /// The collection in MongoDB.
    collection: &'static str,
    /// The table of the embedded store.
    table: &'static str,
    how_long: String,
    who: &'static str,
}

const USERS: &str = "users";
const STAFF: &str = "staff";
const READERS: &str = "all staff; tokens with the scope `read`";
const ADMINISTRATORS: &str = "administrators";

/// All of it, as Markdown.
pub(super) fn register(settings: &Settings) -> String {
    let mut text = format!(
        "# What is kept, by the settings in force\n\n\
         Trailkeep {}. Data are in {}, and in the folder {}. *Users* are those whom events are \
         about, *staff* those who have an account here.\n\n\
         | what | of whom | where | how long | who may see it |\n\
         | --- | --- | --- | --- | --- |\n",
        version::VERSION,
        app::store_place(settings),
        settings.store.data_dir.display(),
    );
    let is_embedded = settings.store.mongodb_uri.is_none();
    for Kept { what, whom, collection, table, how_long, who } in places(settings) {
        let place = if is_embedded { table } else { collection };
        let _ = writeln!(text, "| {what} | {whom} | {place} | {how_long} | {who} |");
    }
    text.push_str("\n## Before anything is kept\n\n");
    for line in before(settings) {
        let _ = writeln!(text, "- {line}");
    }
    text.push_str("\n## Handed on\n\n");
    for line in handed_on(settings) {
        let _ = writeln!(text, "- {line}");
    }
    text.push_str("\n## Where this service does not reach\n\n");
    for line in out_of_reach(is_embedded) {
        let _ = writeln!(text, "- {line}");
    }
    text
}

fn places(settings: &Settings) -> Vec<Kept> {
    let retention = app::retention(settings);
    let events = kept(&retention, " from their receipt");
    let outcomes = kept(&retention.of_outcomes(), " from the receipt of the event");
    let row = |what, whom, (collection, table), how_long, who| Kept {
        what,
        whom,
        collection,
        table,
        how_long,
        who,
    };
    let mut kept = vec![
        row(
            "events: ids, type, times, payload",
            USERS,
            ("`events`", "`events`"),
            events.clone(),
            READERS,
        ),
        row(
            "what is known of an id: when it was seen, traits, addresses, whose it is",
            USERS,
            ("`people`", "`people`, `person_terms`"),
            span(retention.longest(), "from when it was seen last"),
            READERS,
        ),
        row(
            "whose a visit is",
            USERS,
            ("`userSessions`", "`user_sessions`"),
            span(retention.longest(), "from its first event"),
            READERS,
        ),
        row(
            "events that are accepted and not stored",
            USERS,
            ("`journal/` in the folder", "`journal/` in the folder"),
            "until they are stored, and about an hour more".to_owned(),
            READERS,
        ),
        row(
            "events that the database refused, and why",
            USERS,
            ("`deadLetters`", "`dead_letters`"),
            events,
            ADMINISTRATORS,
        ),
    ];
    if !settings.processors.is_empty() {
        kept.push(row(
            "what processors answered",
            USERS,
            ("`processedEvents`, `processedEvents.*`", "`processed_events`"),
            outcomes,
            READERS,
        ));
        kept.push(row(
            "what processors are still to be sent: ids of users and places of events, and what \
             people asked of them",
            USERS,
            (
                "`feed`, `feed.*`, `parked`, `processorCommands`, `processorStates`",
                "`feed`, `parked`, `processor_commands`, `processor_states`",
            ),
            "until it is done, and what people asked for some days more".to_owned(),
            ADMINISTRATORS,
        ));
    }
    kept.extend([
        row(
            "who looked at whom or changed what, when and why",
            "staff and users",
            ("`audit`", "`audit_trail`"),
            span(settings.access.audit_retention, "from then"),
            ADMINISTRATORS,
        ),
        row(
            "the addresses from which they did",
            STAFF,
            ("`audit`", "`audit_trail`"),
            span(addresses(settings), "from then"),
            ADMINISTRATORS,
        ),
        row(
            "who was erased or is blocked: keyed hashes of ids, when, and how much it was",
            USERS,
            ("`erasures`, `blockedIds`", "`erasures`, `blocked_ids`"),
            "for good".to_owned(),
            ADMINISTRATORS,
        ),
        row(
            "accounts: name, e-mail address, role, a hash of the password, hashes of the last ten \
             addresses that were signed in from",
            STAFF,
            ("`accounts`", "`accounts`"),
            "for good; a disabled one too".to_owned(),
            ADMINISTRATORS,
        ),
        row(
            "open sessions",
            STAFF,
            ("`sessions`", "`sessions`"),
            span(Some(settings.access.session_lifetime), "from their last use"),
            "whose they are",
        ),
        row(
            "tokens and write keys: names, hashes, last use",
            "machines",
            ("`tokens`, `writeKeys`", "`tokens`, `write_keys`"),
            "until they end".to_owned(),
            ADMINISTRATORS,
        ),
        row(
            "what is about nobody: names of processors and of data folders, the key of the \
             hashes, what the pages show for the team, the set-up code",
            "nobody",
            (
                "`processors`, `instances`, `installation`, `team`, `setUpCodes`, `periods`, `moves`",
                "`processors`, `instances`, `installation`, `team`, `set_up_codes`, \
                 `write_keys_version`",
            ),
            "for good".to_owned(),
            "whoever has the database",
        ),
    ]);
    kept
}

/// Those in the audit trail go with their entries at the latest.
fn addresses(settings: &Settings) -> Option<Duration> {
    let access = &settings.access;
    [access.audit_retention, access.audit_address_retention].into_iter().flatten().min()
}

/// What never comes into the journal.
fn before(settings: &Settings) -> Vec<String> {
    let events = &settings.events;
    let list =
        |keys: &[String]| keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let mut lines = Vec::new();
    if !events.drop_keys.is_empty() {
        lines.push(format!("These keys of payloads are left out: {}.", list(&events.drop_keys)));
    }
    if !events.hash_keys.is_empty() {
        lines.push(format!("Of these only a hash is kept: {}.", list(&events.hash_keys)));
    }
    lines.push(
        match events.keep.user_agent {
            true => {
                "The text of a browser's user agent is kept, beside its browser, system and kind \
                 of device."
            }
            false => {
                "Of a browser's user agent its browser, system and kind of device are kept, and \
                  not the text."
            }
        }
        .to_owned(),
    );
    lines.push(
        match events.keep.address {
            true => "The address that events come from is kept in their payloads.",
            false => "The address that events come from is not kept.",
        }
        .to_owned(),
    );
    lines
}

/// Whom events are sent to.
fn handed_on(settings: &Settings) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (name, processor) in &settings.processors {
        let types = match processor.types.is_empty() {
            true => "every event".to_owned(),
            false => format!("events of the types {}", processor.types.join(", ")),
        };
        lines.push(format!("{types} to the processor `{name}` at {}", processor.url.place()));
    }
    if lines.is_empty() {
        lines.push("nothing: no processor is set".to_owned());
    }
    lines.push("whatever staff export, and whatever `trailkeep users export` writes".to_owned());
    lines
}

fn out_of_reach(is_embedded: bool) -> Vec<&'static str> {
    let database = match is_embedded {
        true => "copies of the folder, such as backups and snapshots",
        false => {
            "MongoDB's oplog and journal, which have deleted documents until they are written over, \
             and backups of the database"
        }
    };
    vec![
        database,
        "logs of proxies in front: the paths of requests have ids of users. The service's own log \
         names nobody, but for a path that leads nowhere, which is in it as it was sent",
    ]
}

fn span(kept: Option<Duration>, from: &str) -> String {
    kept.map_or_else(|| "for good".to_owned(), |kept| format!("{} {from}", length_of(kept)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_store::moving::Kind;

    use super::*;

    fn told<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        register(&Settings::with(settings).unwrap())
    }

    #[test]
    fn no_table_is_left_out() {
        let register = told([("processors.default.url", "http://localhost:3001")]);
        for kind in Kind::ALL {
            let table = format!("`{}`", kind.table());
            assert!(register.contains(&table), "{table}: {register}");
        }
    }

    #[test]
    fn the_register_says_what_the_settings_in_force_say() {
        let defaults = told([]);
        assert!(
            defaults
                .contains("| events: ids, type, times, payload | users | `events` | for good |")
        );
        assert!(defaults.contains("`audit_trail` | 365 days from then | administrators |"));
        assert!(
            defaults
                .contains("| the addresses from which they did | staff | `audit_trail` | 90 days")
        );
        assert!(defaults.contains("- nothing: no processor is set"));
        assert!(defaults.contains("is not kept.\n"));
        assert!(!defaults.contains("what processors answered"));

        let other = told([
            ("store.mongodb_uri", "mongodb://jo:secret@db.example:27017/shop"),
            ("store.retention_days", "400"),
            ("events.drop_keys", "password"),
            ("events.hash_keys", "ip"),
            ("events.keep", "address"),
            ("processors.default.url", "https://work.example/events?key=secret"),
            ("processors.default.types", "purchase"),
        ]);
        assert!(other.contains("db.example:27017/shop"));
        assert!(other.contains("| `events` | 400 days from their receipt |"));
        assert!(other.contains("| 401 days from the receipt of the event |"));
        assert!(other.contains("left out: `password`."));
        assert!(other.contains("only a hash is kept: `ip`."));
        assert!(other.contains("come from is kept"));
        assert!(other.contains("events of the types purchase to the processor `default` at "));
        assert!(other.contains("oplog"));
        assert!(!other.contains("secret"), "{other}");
    }
}
