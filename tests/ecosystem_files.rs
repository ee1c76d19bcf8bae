//! What the files in `ecosystem/` name is there: a setting that is renamed must not
//! leave a variable behind that nobody reads, and no supervisor may kill a stop that
//! is within its grace period.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

const COMPOSE: &str = "ecosystem/compose.yml";
const CONTAINER: &str = "ecosystem/container/Dockerfile";
const KUBERNETES: &str = "ecosystem/kubernetes/trailkeep.yml";
const PM2: &str = "ecosystem/ecosystem.config.js";
const SYSTEMD: &str = "ecosystem/trailkeep.service";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl AsRef<Path>) -> String {
    let file = file.as_ref();
    std::fs::read_to_string(root().join(file))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn documents(file: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The service in the file for Compose.
fn composed() -> Yaml {
    documents(COMPOSE).remove(0)["services"]["trailkeep"].clone()
}

/// The pod of the StatefulSet.
fn pod() -> Yaml {
    let is_set = |document: &Yaml| document["kind"].as_str() == Some("StatefulSet");
    let set = documents(KUBERNETES).into_iter().find(is_set).expect("a StatefulSet");
    set["spec"]["template"]["spec"].clone()
}

/// Every setting's name in the environment, with its default: `.env.example`, which a
/// test of the settings compares with their table.
fn settings() -> BTreeMap<String, String> {
    read(".env.example")
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .filter(|(name, _)| !name.contains(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} after {before:?}")).0
}

/// The names that each file sets in the service's environment.
fn environments() -> Vec<(&'static str, Vec<String>)> {
    let composed = composed();
    let keys = composed["environment"].as_hash().expect("a mapping").keys();
    let compose = keys.map(|name| name.as_str().unwrap().to_owned()).collect();

    let pod = pod();
    let variables = pod["containers"][0]["env"].as_vec().expect("a list");
    let pod = variables.iter().map(|v| v["name"].as_str().unwrap().to_owned()).collect();

    let container = read(CONTAINER);
    let words = between(&container, "\nENV ", "\nWORKDIR").split_whitespace();
    let container = words.filter_map(|word| Some(word.split_once('=')?.0.to_owned())).collect();

    let unit = read(SYSTEMD);
    let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    let unit = lines.map(|line| line.split('=').next().unwrap().to_owned()).collect();

    let app = read(PM2);
    let pairs = between(&app, "env: {", "}").split(',');
    let app = pairs.filter_map(|pair| Some(pair.split_once(':')?.0.trim().to_owned())).collect();

    vec![(COMPOSE, compose), (KUBERNETES, pod), (CONTAINER, container), (SYSTEMD, unit), (PM2, app)]
}

#[test]
fn every_variable_that_they_set_is_a_setting() {
    let settings = settings();
    for (file, names) in environments() {
        assert!(!names.is_empty(), "{file} sets nothing");
        for name in names {
            assert!(settings.contains_key(&name), "{file} sets {name}, which is no setting");
        }
    }
}

#[test]
fn whoever_stops_it_waits_longer_than_its_grace_period() {
    let grace: u64 = settings()["SHUTDOWN_GRACE_MS"].parse().unwrap();
    let seconds = |file, text: &str| {
        let digits = text.trim_end_matches('s');
        1000 * digits.parse::<u64>().unwrap_or_else(|_| panic!("{file} waits {text:?}"))
    };

    let wait = composed()["stop_grace_period"].as_str().map(|text| seconds(COMPOSE, text));
    assert!(wait.expect("a wait") > grace, "{COMPOSE}");

    let wait = seconds(SYSTEMD, between(&read(SYSTEMD), "\nTimeoutStopSec=", "\n"));
    assert!(wait > grace, "{SYSTEMD}");

    // The pause in which no stop was asked for yet counts too.
    let pod = pod();
    let pause = &pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
    let wait = pod["terminationGracePeriodSeconds"].as_i64().unwrap() - pause.as_i64().unwrap();
    assert!(1000 * u64::try_from(wait).unwrap() > grace, "{KUBERNETES}");

    // PM2's own grace is shorter than the default.
    let app = read(PM2);
    let wait: u64 = between(&app, "kill_timeout: ", ",").parse().unwrap();
    let own: u64 = between(&app, "SHUTDOWN_GRACE_MS: '", "'").parse().unwrap();
    assert!(wait > own, "{PM2}");
}

#[test]
fn the_image_of_compose_is_built_from_what_is_there_and_is_of_this_version() {
    let service = composed();
    let context = root().join("ecosystem").join(service["build"]["context"].as_str().unwrap());
    let context = context.canonicalize().unwrap();
    assert_eq!(context, root().canonicalize().unwrap());
    let file = context.join(service["build"]["dockerfile"].as_str().unwrap());
    assert!(file.is_file(), "there is no {}", file.display());

    let image = concat!("trailkeep:", env!("CARGO_PKG_VERSION"));
    assert_eq!(service["image"].as_str(), Some(image), "{COMPOSE}");
    assert_eq!(pod()["containers"][0]["image"].as_str(), Some(image), "{KUBERNETES}");
}

#[test]
fn compose_opens_ports_on_loopback_alone() {
    let services = documents(COMPOSE).remove(0)["services"].as_hash().unwrap().clone();
    let mut opened = 0;
    for (name, service) in &services {
        for port in service["ports"].as_vec().into_iter().flatten() {
            let port = port.as_str().expect("a port in the short form");
            assert!(port.starts_with("127.0.0.1:"), "{name:?} opens {port}");
            opened += 1;
        }
    }
    assert!(opened > 0, "nothing can be reached");
}

#[test]
fn volumes_of_compose_are_declared() {
    let file = documents(COMPOSE).remove(0);
    let mut mounted = BTreeSet::new();
    for service in file["services"].as_hash().unwrap().values() {
        for volume in service["volumes"].as_vec().expect("volumes") {
            mounted.insert(volume.as_str().unwrap().split(':').next().unwrap().to_owned());
        }
    }
    let declared = file["volumes"].as_hash().unwrap().keys();
    assert_eq!(mounted, declared.map(|name| name.as_str().unwrap().to_owned()).collect());
}

#[test]
fn what_the_image_is_built_from_is_let_into_its_context() {
    let ignore = read(format!("{CONTAINER}.dockerignore"));
    let let_in: BTreeSet<&str> = ignore.lines().filter_map(|l| l.strip_prefix('!')).collect();
    for needed in needed_for_the_build() {
        assert!(let_in.contains(needed.as_str()), "the image is built without {needed}");
    }
}

/// The outermost folders and files that Cargo and the compiler read.
fn needed_for_the_build() -> BTreeSet<String> {
    let mut paths: Vec<PathBuf> =
        [".ci", ".cargo", "Cargo.toml", "Cargo.lock"].map(Into::into).into();
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let targets = ["bin", "bench", "example"].iter().filter_map(|kind| manifest.get(*kind));
    for target in targets.flat_map(|targets| targets.as_array().unwrap()) {
        let path = target.get("path").and_then(|path| path.as_str()).unwrap_or("benches");
        paths.push(path.into());
    }
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members"));
    for member in members.and_then(|members| members.as_array()).into_iter().flatten() {
        paths.push(member.as_str().unwrap().into());
    }
    for folder in ["src", "crates"] {
        included_from(&root().join(folder), &mut paths);
    }
    let outermost = paths.iter().filter_map(|path| path.components().next());
    let names = outermost.map(|first| first.as_os_str().to_str().unwrap().to_owned());
    names.filter(|name| name != ".").collect()
}

/// The files that sources below a folder include; those of tests aside.
fn included_from(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if name == "tests" || name == "contract" {
            continue;
        }
        if path.is_dir() {
            included_from(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("include_").skip(1) {
                let literal = call.strip_prefix("str!(\"").or(call.strip_prefix("bytes!(\""));
                let Some((file, _)) = literal.and_then(|rest| rest.split_once('"')) else {
                    continue;
                };
                let file = path.parent().unwrap().join(file).canonicalize().unwrap();
                let inside = file.strip_prefix(root().canonicalize().unwrap());
                paths.push(inside.expect("a file of this repository").to_owned());
            }
        }
    }
}
