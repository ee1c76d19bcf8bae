//! `trailkeep backup`, `trailkeep restore` and `trailkeep erasures`.

mod crashes;
mod cut;
mod erased;
mod full_disk;
mod made;
mod mongo;
mod refused;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::home::Home;

/// A folder for backups, and what is called in it.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn backup(&self) -> PathBuf {
        self.path("backup.db")
    }

    fn manifest(&self) -> PathBuf {
        self.path("backup.db.manifest.json")
    }

    fn read_manifest(&self) -> Value {
        let text = fs::read_to_string(self.manifest()).expect("a manifest");
        serde_json::from_str(&text).expect("JSON")
    }

    fn change_manifest(&self, field: &str, value: Value) {
        let mut manifest = self.read_manifest();
        manifest[field] = value;
        fs::write(self.manifest(), manifest.to_string()).expect("a file");
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}

/// Runs a command on a home. Tests have services that must go on meanwhile.
async fn run(home: &Home, command: &str, arguments: &[&str]) -> Output {
    let mut command = home.shell(command);
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().expect("the binary")).await.expect("done")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// What a command printed that did what it was to do.
#[track_caller]
fn done(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Why a command did nothing.
#[track_caller]
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn back_up(home: &Home, shelf: &Shelf) -> String {
    done(&run(home, "backup", &[text(&shelf.backup())]).await)
}

async fn restore(home: &Home, shelf: &Shelf, flags: &[&str]) -> String {
    let backup = shelf.backup();
    done(&run(home, "restore", &[&[text(&backup)], flags].concat()).await)
}

async fn save_erasures(home: &Home, shelf: &Shelf) -> PathBuf {
    let list = shelf.path("erasures.json");
    done(&run(home, "erasures", &["save", text(&list)]).await);
    list
}

/// Every file of a home with its bytes, but for what says nothing: the lock has the number of who
/// had it last, and where somebody has only read, an empty log may lie beside the database.
fn state(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let says = |path: &PathBuf| !path.ends_with("lock") && !path.ends_with("trailkeep.db-shm");
    let files = home.files().into_iter().filter(says);
    let files = files.map(|path| (path.clone(), fs::read(&path).unwrap_or_default()));
    files.filter(|(path, bytes)| !path.ends_with("trailkeep.db-wal") || !bytes.is_empty()).collect()
}
