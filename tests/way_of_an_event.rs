//! The list of files at the head of `src/lib.rs` is what a reader follows: it has
//! to be true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

/// More than that, nobody holds in the head.
const MOST: usize = 12;

fn source(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
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
            number.parse::<usize>().is_ok_and(|number| number == steps.len() + 1)
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
        let first = statement.split("::").next().unwrap();
        let is_child = file.ends_with("/mod.rs") && code.contains(&format!("mod {first};"));
        let of_folder = match statement.strip_prefix("super::") {
            None if is_child => Some(statement.as_str()),
            rest => rest,
        };
        let statement = match of_folder {
            Some(path) => format!("crate::{}::{path}", folder.replace('/', "::")),
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

/// Whether one file imports another: by its path, by a name that a folder hands on
/// of it, or by being a part of what the folder's `mod.rs` has made of it.
fn takes_from(file: &str, other: &str) -> bool {
    let module = module_of(other);
    let is_it = |path: &String| *path == module || path.starts_with(&format!("{module}::"));
    let handed_on = handed_on(other);
    let imports_it = |file: &str| {
        let imports = imports(file);
        imports.iter().any(|path| is_it(path) || handed_on.contains(path))
    };
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = format!("{folder}/mod.rs");
    // `impl Ingest` in one file calls a field that `Ingest` has by another.
    imports_it(file) || (source(file).contains("impl Ingest {") && imports_it(&whole))
}

fn module_of(file: &str) -> String {
    let module = file.trim_end_matches(".rs").trim_end_matches("/mod");
    module.replace('/', "::")
}

/// The names that the `mod.rs` of its folder re-exports of a file.
fn handed_on(file: &str) -> Vec<String> {
    let Some((folder, name)) = file.rsplit_once('/') else {
        return Vec::new();
    };
    let prefix = format!("pub use {}::", name.trim_end_matches(".rs"));
    let parent = source(&format!("{folder}/mod.rs"));
    let mut paths = Vec::new();
    for statement in parent.split('\n').filter_map(|line| line.strip_prefix(&prefix)) {
        let names: String = statement.trim_end_matches(';').split_whitespace().collect();
        expand(&format!("{}::{names}", folder.replace('/', "::")), &mut paths);
    }
    paths
}

#[test]
fn an_event_passes_at_most_twelve_files_of_ours() {
    let steps = steps();
    assert!((8..=MOST).contains(&steps.len()), "{steps:?}");
    for file in steps.iter().flatten().chain(&["ingest/ack.rs".to_owned()]) {
        assert!(!source(file).is_empty());
    }
}

/// Each is reached from one that was read before by going to a definition; but for
/// two, of which the list says how they are: the writer takes from the queue, and
/// the stores are what is behind a trait that the step before calls.
#[test]
fn each_file_of_the_way_is_imported_by_one_before_it() {
    let steps = steps();
    for (number, files) in steps.iter().enumerate().skip(1) {
        let (before, previous) = (&steps[..number], &steps[number - 1]);
        for file in files {
            let is_reached = match file.as_str() {
                "ingest/writer.rs" => previous.iter().all(|queue| takes_from(file, queue)),
                store if store.starts_with("store/") => {
                    let calls = |file: &String| imports(file).contains(&"store::Store".to_owned());
                    source(store).contains("impl Store for ") && previous.iter().all(calls)
                }
                _ => before.iter().flatten().any(|earlier| takes_from(earlier, file)),
            };
            assert!(is_reached, "{file} is imported by none of the files before it");
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
            let is_back = takes_from(file, earlier);
            assert!(!is_back, "{file} imports {earlier}, which is before it");
        }
    }
}
