//! The list of files at the head of `src/lib.rs` is what a reader follows: it has
//! to be true.

use std::fs;
use std::path::PathBuf;

use crate::imports::House;

/// More than that, nobody holds in the head.
const MOST: usize = 12;

fn source(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of each step, as the head of `src/lib.rs` names them.
fn steps() -> Vec<Vec<String>> {
    let lib = source("src/lib.rs");
    let head = lib.split("# Where things are").next().unwrap();
    let mut steps: Vec<Vec<String>> = Vec::new();
    for line in head.lines() {
        let text = line.trim_start_matches("//!").trim_start();
        let is_step = text.split_once(". `").is_some_and(|(number, _)| {
            number.parse::<usize>().is_ok_and(|number| number == steps.len() + 1)
        });
        if is_step {
            let paths = text.split('`').filter(|part| part.ends_with(".rs") && part.contains('/'));
            steps.push(paths.map(str::to_owned).collect());
        }
    }
    steps
}

/// Whether one file imports another, or is a part of [`Ingest`] and uses what that
/// has made of the other: its fields are used in each file that has an `impl` of it.
fn takes_from(house: &House, file: &str, other: &str) -> bool {
    let is_of_ingest = source(file).contains("impl Ingest {");
    house.imports(file).contains(other)
        || is_of_ingest && house.imports("src/ingest/mod.rs").contains(other)
}

#[test]
fn an_event_passes_at_most_twelve_files_of_ours() {
    let steps = steps();
    assert!((8..=MOST).contains(&steps.len()), "{steps:?}");
    for file in steps.iter().flatten().chain(&["src/ingest/ack.rs".to_owned()]) {
        assert!(!source(file).is_empty());
    }
}

/// Each is reached from one that was read before by going to a definition; but for
/// two, of which the list says how they are: the writer takes from the queue, and
/// the stores are what is behind a trait that the step before calls.
#[test]
fn each_file_of_the_way_is_imported_by_one_before_it() {
    let house = crate::house();
    let steps = steps();
    for (number, files) in steps.iter().enumerate().skip(1) {
        let (before, previous) = (&steps[..number], &steps[number - 1]);
        for file in files {
            let is_reached = match file.as_str() {
                "src/ingest/writer.rs" => {
                    previous.iter().all(|queue| takes_from(&house, file, queue))
                }
                store if store.starts_with("crates/store/") => {
                    let calls =
                        |file: &String| house.imports(file).contains("crates/store/src/lib.rs");
                    source(store).contains("impl Store for ") && previous.iter().all(calls)
                }
                _ => before.iter().flatten().any(|earlier| takes_from(&house, earlier, file)),
            };
            assert!(is_reached, "{file} is imported by none of the files before it");
        }
    }
}

/// What comes back comes back through the acknowledgement alone.
#[test]
fn no_file_on_the_way_out_calls_one_on_the_way_in() {
    let house = crate::house();
    let steps = steps();
    let position = |name: &str| {
        let is_it = |files: &Vec<String>| files.iter().any(|file| file == name);
        steps.iter().position(is_it).unwrap()
    };
    let journal = position("crates/journal/src/writer.rs");
    let queue = position("src/ingest/queue.rs");
    for file in steps[queue..].iter().flatten() {
        for earlier in steps[..journal].iter().flatten() {
            let is_back = takes_from(&house, file, earlier);
            assert!(!is_back, "{file} imports {earlier}, which is before it");
        }
    }
}
