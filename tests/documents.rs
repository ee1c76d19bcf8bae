//! That documents lead somewhere: links and the headings behind them, the paths of
//! the repository that they name, and the tables that have to keep up with the code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trailkeep::config::{Environment, Overrides, Settings};

/// What a path of the repository begins with where a document names it.
const FOLDERS: [&str; 8] =
    ["src/", "crates/", "tests/", "load-tests/", "ecosystem/", "config/", "docs/", ".ci/"];

/// Beyond that, nobody reads a README to its end.
const MOST_LINES_OF_THE_README: usize = 220;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of a folder's files with this ending.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<String> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has no file that ends with {ending}");
    paths
}

/// A document: its path from the root, and its text.
fn documents() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned()];
    for folder in ["docs", "load-tests", "ecosystem"] {
        paths.extend(files(folder, ".md"));
    }
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// The lines that are prose: no blocks of code, which are fenced, or indented behind
/// an empty line.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_fenced, mut is_block) = (false, true);
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        is_block &= line.is_empty() || line.starts_with("    ");
        let is_prose = !is_fenced && !is_fence && !is_block;
        is_block |= line.is_empty();
        is_prose
    })
}

/// The paragraphs of the prose: a span of code, and a link, may go over two lines.
fn paragraphs(text: &str) -> Vec<String> {
    let prose: Vec<&str> = prose(text).collect();
    prose.join("\n").split("\n\n").map(str::to_owned).collect()
}

/// The targets of links and pictures that lie in the repository. What stands between
/// backticks, which is every second part, is code.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for paragraph in paragraphs(text) {
        let plain: Vec<&str> = paragraph.split('`').step_by(2).collect();
        for rest in plain.join("`").split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            if !target.contains("://") {
                targets.push(target.to_owned());
            }
        }
    }
    targets
}

/// The anchor of a heading, as forges make it: small letters, no punctuation,
/// dashes for spaces.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

/// The words that stand between backticks.
fn code_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for paragraph in paragraphs(text) {
        let spans = paragraph.split('`').skip(1).step_by(2);
        let trimmed = spans.flat_map(str::split_whitespace);
        words.extend(trimmed.map(|word| word.trim_end_matches([',', ';', ':']).to_owned()));
    }
    words
}

/// The paths of the repository among them; those that stand for several are left out.
fn paths(text: &str) -> Vec<String> {
    let mut words = code_words(text);
    words.retain(|word| {
        FOLDERS.iter().any(|folder| word.starts_with(folder))
            && !word.contains(['*', '<', '{'])
            && !word.contains("...")
    });
    words
}

/// What is wrong with a link in a document, if anything is.
fn fault_of(document: &str, text: &str, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(document).parent().unwrap();
    let file = if path.is_empty() { root().join(document) } else { root().join(folder).join(path) };
    if !file.exists() {
        return Some(format!("{document}: {target} leads to no file"));
    }
    let has_headings = file.extension().is_some_and(|ending| ending == "md");
    if anchor.is_empty() || !has_headings {
        return None;
    }
    let text = if path.is_empty() { text.to_owned() } else { fs::read_to_string(&file).unwrap() };
    let is_there = anchors(&text).contains(anchor);
    (!is_there).then(|| format!("{document}: {target} leads to no heading"))
}

/// The part of a document under one heading of the second level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let begins = format!("\n## {heading}\n");
    let (_, rest) = text.split_once(&begins).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// The first cells of a table's rows, heads included.
fn first_cells(text: &str) -> BTreeSet<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|'));
    rows.map(|row| row.split('|').next().unwrap().trim()).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut found = 0;
    let mut faults = Vec::new();
    for (document, text) in documents() {
        for target in links(&text) {
            found += 1;
            faults.extend(fault_of(&document, &text, &target));
        }
    }
    assert!(found > 20, "only {found} links were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut found = 0;
    let mut faults = Vec::new();
    for (document, text) in documents() {
        for path in paths(&text) {
            found += 1;
            if !root().join(&path).exists() {
                faults.push(format!("{document} names {path}"));
            }
        }
    }
    assert!(found > 20, "only {found} paths were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_setting_that_a_document_names_exists() {
    let example = read(".env.example");
    let variables = example.lines().filter_map(|line| line.split_once('='));
    let known: BTreeSet<&str> = variables.map(|(name, _)| name.trim_start_matches('#')).collect();
    let section = |name: &str| name.split('_').next().unwrap().to_owned();
    let sections: BTreeSet<String> = known.iter().map(|name| section(name)).collect();
    let mut found = 0;
    let mut faults = Vec::new();
    for (document, text) in documents() {
        for word in code_words(&text) {
            let name = word.split('=').next().unwrap();
            let is_variable = name.contains('_')
                && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
                && sections.contains(&section(name));
            found += usize::from(is_variable);
            if is_variable && !known.contains(name) {
                faults.push(format!("{document} names {name}"));
            }
        }
    }
    assert!(found > 10, "only {found} settings were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The settings, and whether a change of each needs no restart.
fn settings() -> Vec<(String, bool)> {
    let loaded = Settings::load_from(&Overrides::default(), &Environment::default()).unwrap();
    loaded.entries.into_iter().map(|entry| (entry.path, entry.is_reloadable)).collect()
}

/// The cells of a table's rows, heads included.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| row.trim_end_matches(" |").split(" | ").collect()).collect()
}

#[test]
fn the_table_of_what_needs_no_restart_has_the_settings_that_are_tagged_so() {
    let operations = read("docs/OPERATIONS.md");
    let mut listed = BTreeSet::new();
    for row in rows(section(&operations, "Without a restart")) {
        let [section, keys] = row[..] else { panic!("{row:?}") };
        let section = section.trim_matches('`');
        listed.extend(keys.split('`').skip(1).step_by(2).map(|key| format!("{section}.{key}")));
    }
    let reloadable = settings().into_iter().filter(|(_, is_reloadable)| *is_reloadable);
    assert_eq!(listed, reloadable.map(|(path, _)| path).collect());
}

#[test]
fn the_table_of_settings_says_what_a_change_of_each_needs() {
    let operations = read("docs/OPERATIONS.md");
    let reloadable: BTreeSet<String> = settings()
        .into_iter()
        .filter_map(|(path, is_reloadable)| {
            is_reloadable.then(|| path.replace('.', "_").to_uppercase())
        })
        .collect();
    let mut found = 0;
    for row in rows(section(&operations, "Settings")) {
        let [name, _, _, needs] = row[..] else { panic!("{row:?}") };
        let Some(name) = name.strip_prefix('`') else { continue };
        let is_reload = needs.contains("a reload");
        assert_eq!(is_reload, reloadable.contains(name.trim_end_matches('`')), "{name}");
        found += 1;
    }
    assert!(found > 10, "only {found} settings were found");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= MOST_LINES_OF_THE_README, "it has {lines} lines");
}

#[test]
fn the_runbook_has_a_line_for_every_alert_and_for_no_other() {
    let mut alerts = BTreeSet::new();
    for file in files("ecosystem/prometheus", ".yml") {
        let text = read(&file);
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
        alerts.extend(names.map(|name| format!("`{name}`")));
    }
    assert!(!alerts.is_empty(), "there is no alert");
    let operations = read("docs/OPERATIONS.md");
    let rows = first_cells(section(&operations, "Alerts"));
    let rows: BTreeSet<String> =
        rows.into_iter().filter(|cell| cell.starts_with('`')).map(str::to_owned).collect();
    assert_eq!(rows, alerts);
}

#[test]
fn the_table_of_exit_codes_has_those_of_the_code_and_no_other() {
    // Wrong settings end a process before there is a service.
    let mut codes = BTreeSet::from(["2".to_owned()]);
    for line in read("src/shutdown.rs").lines() {
        let code = line.trim().strip_prefix("Ending::").and_then(|rest| rest.split_once(" => "));
        codes.extend(code.map(|(_, number)| number.trim_end_matches(',').to_owned()));
    }
    assert!(codes.len() > 3, "{codes:?}");
    let operations = read("docs/OPERATIONS.md");
    let rows = first_cells(section(&operations, "Signals and exit codes"));
    let rows: BTreeSet<String> =
        rows.into_iter().filter(|cell| cell.parse::<u8>().is_ok()).map(str::to_owned).collect();
    assert_eq!(rows, codes);
}

#[test]
fn what_leads_nowhere_is_found() {
    let text = "# Here it is, now\n\n[a](tests/documents.rs), `[b](nowhere)`, [c](nowhere.md), \
                [d](#here-it-is-now), [e](#elsewhere), [f](https://example.com)\n\n\
                ```sh\n[g](nowhere)\n`src/no.rs`\n```\n`src/main.rs`, `cat src/lib.rs`, `src/*.rs`\n\
                \x20   `src/app.rs`\n\n    `src/no.rs`\n\n- `src/cli.rs\n  --help`";
    let targets = links(text);
    assert_eq!(targets, ["tests/documents.rs", "nowhere.md", "#here-it-is-now", "#elsewhere"]);
    let faults = targets.iter().filter_map(|target| fault_of("README.md", text, target));
    assert_eq!(
        faults.collect::<Vec<_>>(),
        ["README.md: nowhere.md leads to no file", "README.md: #elsewhere leads to no heading"]
    );
    assert_eq!(paths(text), ["src/main.rs", "src/lib.rs", "src/app.rs", "src/cli.rs"]);
    assert_eq!(anchor("Who may read, who may write"), "who-may-read-who-may-write");
    assert_eq!(anchor("`/stats` has 2"), "stats-has-2");
}
