//! Which file imports which, read from the sources: `use` declarations and paths
//! that are written out. What a `mod` line or a test names is no import, nor is a
//! name that a file hands on and does not use itself; a name that a file hands on
//! is one of the file that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A path such as `trailkeep::http::events` in parts, its crate's name first.
type Parts = Vec<String>;

/// The sources of the house, tests left out.
pub struct House {
    /// The file of each module.
    files: BTreeMap<Parts, String>,
    /// What each file says, by its path from the project's folder.
    sources: BTreeMap<String, Source>,
}

impl House {
    /// Reads all files below these folders, each with the name of the crate that
    /// it holds.
    pub fn read(crates: &[(&str, &str)]) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let mut house = Self { files: BTreeMap::new(), sources: BTreeMap::new() };
        for (name, folder) in crates {
            let folder = root.join(folder);
            for file in files_below(&folder) {
                let module = module_of(name, file.strip_prefix(&folder).unwrap());
                let shown = file.strip_prefix(&root).unwrap().display().to_string();
                let text = fs::read_to_string(&file).unwrap();
                let syntax =
                    syn::parse_file(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
                house.files.insert(module.clone(), shown.clone());
                house.sources.insert(shown, Source::read(&syntax, module));
            }
        }
        house
    }

    /// Every file, as its path from the project's folder.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// The files that a file imports.
    pub fn imports(&self, file: &str) -> BTreeSet<&str> {
        let source = self.sources.get(file).unwrap_or_else(|| panic!("there is no {file}"));
        let files = source.imports.iter().filter_map(|path| self.file_of(path));
        files.filter(|other| *other != file).collect()
    }

    /// The file that has the thing at this path, as far as re-exports tell.
    fn file_of(&self, path: &[String]) -> Option<&str> {
        let length = (1..=path.len()).rev().find(|&n| self.files.contains_key(&path[..n]))?;
        let file = &self.files[&path[..length]];
        let exported = path.get(length).and_then(|name| self.sources[file].exports.get(name));
        exported.and_then(|path| self.file_of(path)).or(Some(file))
    }
}

/// What one file says.
#[derive(Default)]
struct Source {
    module: Parts,
    /// The modules that it declares.
    children: BTreeSet<String>,
    imports: BTreeSet<Parts>,
    /// What it hands on, by the name that it gives to it.
    exports: BTreeMap<String, Parts>,
    /// How the paths begin that stand in it.
    used: BTreeSet<String>,
}

impl Source {
    fn read(syntax: &syn::File, module: Parts) -> Self {
        let modules = syntax.items.iter().filter_map(|item| match item {
            Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        });
        let children = modules.collect();
        let mut source = Self { module, children, ..Self::default() };
        source.visit_file(syntax);
        let Self { exports, used, .. } = &source;
        let is_used = |(name, _): &(&String, &Parts)| used.contains(*name);
        let used: Vec<Parts> =
            exports.iter().filter(is_used).map(|(_, path)| path.clone()).collect();
        source.imports.extend(used);
        source
    }

    /// The path from its crate's name on; `None` for what is not ours.
    fn absolute(&self, path: &[String]) -> Option<Parts> {
        let mut module = self.module.clone();
        let mut rest = &path[1..];
        match path[0].as_str() {
            "crate" => module.truncate(1),
            "self" => {}
            "super" => {
                module.pop();
                while let [first, others @ ..] = rest
                    && first == "super"
                {
                    module.pop();
                    rest = others;
                }
            }
            first if first.starts_with("trailkeep") => module = vec![first.to_owned()],
            first if self.children.contains(first) => module.push(first.to_owned()),
            _ => return None,
        }
        module.extend_from_slice(rest);
        Some(module)
    }
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if is_test(&item.attrs) {
            return;
        }
        for (path, name) in leaves(&item.tree) {
            let Some(path) = self.absolute(&path) else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                self.imports.insert(path);
            } else {
                self.exports.insert(name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Parts = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            let path = self.absolute(&parts);
            self.imports.extend(path);
        }
        self.used.extend(parts.into_iter().next());
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

/// Each path of a `use`, with the name by which it is known from then on.
fn leaves(tree: &UseTree) -> Vec<(Parts, String)> {
    match tree {
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let mut leaves = leaves(&path.tree);
            for (parts, _) in &mut leaves {
                parts.insert(0, first.clone());
            }
            leaves
        }
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Name(name) if name.ident == "self" => vec![(Vec::new(), String::new())],
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        UseTree::Glob(_) => vec![(Vec::new(), "*".to_owned())],
    }
}

/// Those of tests have names that begin with `tests`.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

fn module_of(name: &str, file: &Path) -> Parts {
    let mut parts = vec![name.to_owned()];
    parts.extend(file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()));
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}
