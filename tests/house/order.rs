//! Imports point one way: the rooms of the house are stacked, and a room imports
//! from rooms below it alone.

use crate::imports::House;

/// From the top to the bottom. A room imports rooms of lower rows, and none of its
/// own.
const ROWS: [&[&str]; 13] = [
    &["main"],
    &["cli"],
    &["app"],
    &["console"],
    &["http"],
    &["live", "privacy"],
    &["dead_letters", "journeys", "processing", "seed", "summaries"],
    &["ingest"],
    &["people"],
    &["access", "monitoring"],
    &["store"],
    &["delivery"],
    &["event"],
];

/// Rooms that stand beside the rows: who may import each, and what it imports
/// itself.
const BESIDE: [Beside; 6] = [
    // Records are opaque: it knows no event.
    Beside { room: "journal", importers: &["cli", "app", "ingest"], imports: &[] },
    // What a part needs of the settings, `app` hands to it: so a part can be had,
    // and tested, without them.
    Beside { room: "config", importers: &["cli", "app", "telemetry"], imports: &["origins"] },
    Beside { room: "origins", importers: &["access", "config"], imports: &[] },
    Beside { room: "telemetry", importers: &["cli", "app"], imports: &["config"] },
    Beside { room: "shutdown", importers: &["cli", "app"], imports: &[] },
    Beside { room: "backoff", importers: &["ingest", "monitoring", "processing"], imports: &[] },
];

struct Beside {
    room: &'static str,
    importers: &'static [&'static str],
    imports: &'static [&'static str],
}

/// The room of a file; `None` outside of the house.
fn room_of(file: &str) -> Option<&str> {
    let inside = file.strip_prefix("src/").or_else(|| file.strip_prefix("crates/"))?;
    let room = inside.split('/').next()?;
    Some(room.strip_suffix(".rs").unwrap_or(room))
}

/// Why one room may not import another; `None` where it may.
fn objection(room: &str, other: &str) -> Option<String> {
    let beside = |name: &str| BESIDE.iter().find(|beside| beside.room == name);
    if let Some(beside) = beside(other) {
        let may = beside.importers.contains(&room);
        return (!may).then(|| format!("`{other}` is for {} alone", beside.importers.join(", ")));
    }
    if let Some(beside) = beside(room) {
        let may = beside.imports.contains(&other);
        return (!may).then(|| match beside.imports {
            [] => format!("`{room}` imports nothing of ours"),
            imports => format!("`{room}` imports {} alone", imports.join(", ")),
        });
    }
    let row = |name: &str| ROWS.iter().position(|row| row.contains(&name));
    match (row(room), row(other)) {
        (Some(row), Some(other_row)) if row < other_row => None,
        (Some(row), Some(other_row)) if row == other_row => {
            Some(format!("`{room}` and `{other}` are side by side"))
        }
        (Some(_), Some(_)) => Some(format!("`{other}` is above `{room}`")),
        (None, _) => Some(format!("`{room}` has no place in the order")),
        (_, None) => Some(format!("`{other}` has no place in the order")),
    }
}

#[test]
fn imports_point_one_way() {
    let house: House = crate::house();
    let mut told = String::new();
    for file in house.files() {
        // It declares the rooms, and imports none.
        let Some(room) = room_of(file).filter(|room| *room != "lib") else { continue };
        for other_file in house.imports(file) {
            let other = room_of(other_file).filter(|other| *other != room);
            if let Some(why) = other.and_then(|other| objection(room, other)) {
                told += &format!("\n{file} imports {other_file}, but {why}");
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

/// A room that is gone would leave a rule that holds nothing.
#[test]
fn each_room_of_the_order_is_there() {
    let house = crate::house();
    let beside = BESIDE.iter().map(|beside| beside.room);
    for room in ROWS.into_iter().flatten().copied().chain(beside) {
        let is_there = house.files().any(|file| room_of(file) == Some(room));
        assert!(is_there, "there is no room `{room}`");
    }
}
