//! No two files import each other, not even through a third.

use std::collections::BTreeMap;

use crate::imports::House;

/// Groups of files of which each reaches each other (Tarjan's algorithm: a walk in
/// depth, which closes a group where nothing leads further back than its first).
struct Groups<'a> {
    house: &'a House,
    numbers: BTreeMap<&'a str, usize>,
    lowest: BTreeMap<&'a str, usize>,
    open: Vec<&'a str>,
    found: Vec<Vec<&'a str>>,
}

impl<'a> Groups<'a> {
    fn of(house: &'a House) -> Vec<Vec<&'a str>> {
        let mut groups = Self {
            house,
            numbers: BTreeMap::new(),
            lowest: BTreeMap::new(),
            open: Vec::new(),
            found: Vec::new(),
        };
        for file in house.files() {
            if !groups.numbers.contains_key(file) {
                groups.walk(file);
            }
        }
        groups.found
    }

    fn walk(&mut self, file: &'a str) {
        let number = self.numbers.len();
        self.numbers.insert(file, number);
        self.lowest.insert(file, number);
        self.open.push(file);
        for other in self.house.imports(file) {
            let back = match self.numbers.get(other) {
                None => {
                    self.walk(other);
                    self.lowest[other]
                }
                Some(&number) if self.open.contains(&other) => number,
                Some(_) => continue,
            };
            let lowest = self.lowest[file].min(back);
            self.lowest.insert(file, lowest);
        }
        if self.lowest[file] == number {
            let first = self.open.iter().position(|open| *open == file).unwrap();
            let group = self.open.split_off(first);
            if group.len() > 1 {
                self.found.push(group);
            }
        }
    }
}

#[test]
fn no_two_files_import_each_other() {
    let house = crate::house();
    let mut told = String::new();
    for group in Groups::of(&house) {
        told += &format!("\na circle of {}:\n", group.len());
        for file in &group {
            let imports = house.imports(file);
            let within: Vec<&str> =
                imports.into_iter().filter(|other| group.contains(other)).collect();
            told += &format!("  {file} imports {}\n", within.join(", "));
        }
    }
    assert!(told.is_empty(), "{told}");
}
