//! The list of files at the head of `src/lib.rs` is what a reader follows: it has
//! to be true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

/// More than that, nobody holds in the head.
const MOST: usize = 12;

fn source(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of each step, as the head of `src/lib.rs` names them.
fn steps() -> Vec<Vec<String>> {
    let lib = source("lib.rs");
    let head = lib.split("# Where things are").next().unwrap();
    let mut steps: Vec<Vec<String>> = Vec::new();
    for line in head.lines() {
        let text = line.trim_start_matches("//!").trim_start();
        let is_step = text.split_once(". `").is_some_and(|(number, _)| {
            number
                .parse::<usize>()
                .is_ok_and(|number| number == steps.len() + 1)
        });
        if is_step {
            let files = text.split('`').filter(|part| part.ends_with(".rs"));
            steps.push(files.map(str::to_owned).collect());
        }
    }
    steps
}

/// What a file imports of ours, one path each, tests left out.
fn imports(file: &str) -> Vec<String> {
    let source = source(file);
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut paths = Vec::new();
    for statement in code.split("\nuse ").skip(1) {
        let statement = statement.split(';').next().unwrap();
        let statement: String = statement.split_whitespace().collect();
        let statement = match statement.strip_prefix("super::") {
            Some(rest) => format!("crate::{}::{rest}", folder.replace('/', "::")),
            None => statement,
        };
        if let Some(path) = statement.strip_prefix("crate::") {
            expand(path, &mut paths);
        }
    }
    paths
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(path: &str, paths: &mut Vec<String>) {
    let Some((stem, rest)) = path.split_once('{') else {
        return paths.push(path.to_owned());
    };
    let rest = &rest[..rest.len() - 1];
    let (mut depth, mut from) = (0, 0);
    for (at, character) in rest.char_indices().chain([(rest.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 && at >= from => {
                if at > from {
                    expand(&format!("{stem}{}", &rest[from..at]), paths);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// Whether one file imports another, or what its folder hands on of it.
fn takes_from(file: &str, other: &str) -> bool {
    let module = other.trim_end_matches(".rs").trim_end_matches("/mod");
    let module = module.replace('/', "::");
    let (parent, _) = module.rsplit_once("::").unwrap_or((&module, ""));
    let is_it = |path: &String| {
        *path == module
            || path.starts_with(&format!("{module}::"))
            // A name that the parent re-exports, or its trait.
            || path.strip_prefix(&format!("{parent}::")).is_some_and(|name| {
                !name.contains("::") && name.starts_with(char::is_uppercase)
            })
            || path.strip_prefix(&format!("{parent}::")) == Some("frame_bytes")
    };
    imports(file).iter().any(is_it)
}

#[test]
fn an_event_passes_at_most_twelve_files_of_ours() {
    let steps = steps();
    assert!((8..=MOST).contains(&steps.len()), "{steps:?}");
    for file in steps.iter().flatten().chain(&["ingest/ack.rs".to_owned()]) {
        assert!(!source(file).is_empty());
    }
}

/// Each is found from one that was read before, by going to a definition that it
/// calls, or by going to who calls it: so nobody has to search.
#[test]
fn each_file_of_the_way_is_tied_to_one_before_it() {
    let steps = steps();
    for (number, files) in steps.iter().enumerate().skip(1) {
        for file in files {
            let mut before = steps[..number].iter().flatten();
            assert!(
                before.any(|earlier| takes_from(earlier, file) || takes_from(file, earlier)),
                "{file} is tied to none of the files before it"
            );
        }
    }
}

/// What comes back comes back through the acknowledgement alone.
#[test]
fn no_file_on_the_way_out_calls_one_on_the_way_in() {
    let steps = steps();
    let position = |name: &str| {
        let is_it = |files: &Vec<String>| files.iter().any(|file| file == name);
        steps.iter().position(is_it).unwrap()
    };
    let (journal, queue) = (position("journal/writer.rs"), position("ingest/queue.rs"));
    let way_in = &steps[..journal];
    for file in steps[queue..].iter().flatten() {
        for earlier in way_in.iter().flatten() {
            let is_back = takes_from_exactly(file, earlier);
            assert!(!is_back, "{file} imports {earlier}, which is before it");
        }
    }
}

fn takes_from_exactly(file: &str, other: &str) -> bool {
    let module = other.trim_end_matches(".rs").replace('/', "::");
    let prefix = format!("{module}::");
    imports(file)
        .iter()
        .any(|path| *path == module || path.starts_with(&prefix))
}
