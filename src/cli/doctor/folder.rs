//! The data folder and its disk.

use std::path::Path;

use rustix::fs::{Access, access};

use super::finding::Finding;
use super::words::size;
use crate::monitoring::disk::{Disk as _, DiskOf};

const CHECK: &str = "data folder";

/// What a folder is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Folder {
        is_writable: bool,
        /// Bytes free on its disk, where the system tells.
        free: Option<u64>,
    },
    /// Something else has its name.
    NoFolder,
    /// It is not there.
    Missing {
        /// Whether a start can make it.
        can_be_made: bool,
    },
}

/// What the journal and the database take of its disk.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// Bytes that must be free, or posts are refused.
    pub now: u64,
    /// Bytes that the whole backlog may take, if all of it is used.
    pub at_most: u64,
    /// Of these, bytes that the journal has taken already.
    pub taken: u64,
}

/// Looks at it. Writing is asked for and not tried.
pub fn look(path: &Path) -> Found {
    let may_write = |path: &Path| access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    if path.is_dir() {
        return Found::Folder {
            is_writable: may_write(path),
            free: DiskOf::folder(path).free().ok(),
        };
    }
    if path.exists() {
        return Found::NoFolder;
    }
    // Of a relative path the last ancestor is empty: the working directory.
    let parent = path
        .ancestors()
        .skip(1)
        .map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let can_be_made = parent.into_iter().find(|parent| parent.exists()).is_some_and(may_write);
    Found::Missing { can_be_made }
}

/// What follows.
pub fn judge(path: &Path, found: Found, need: Need) -> Finding {
    let shown = path.display();
    let elsewhere = "or name another with --data-dir or DATA_DIR";
    let owned = format!("give it to the user that runs the service, {elsewhere}");
    let (is_writable, free) = match found {
        Found::Folder { is_writable, free } => (is_writable, free),
        Found::NoFolder => {
            let to_do = format!("move away what has its name, {elsewhere}");
            return Finding::fail(CHECK, format!("{shown} is no folder"), to_do);
        }
        Found::Missing { can_be_made: true } => {
            return Finding::warn(
                CHECK,
                format!("{shown} is not there"),
                "nothing, before a first start, which makes it; else name the one that the service \
                 has with --data-dir or DATA_DIR",
            );
        }
        Found::Missing { can_be_made: false } => {
            let found = format!("{shown} is not there, and this user may not make it");
            return Finding::fail(CHECK, found, format!("make it and {owned}"));
        }
    };
    if !is_writable {
        return Finding::fail(CHECK, format!("this user may not write to {shown}"), owned);
    }
    let Some(free) = free else {
        let found = format!("{shown} is writable; its disk does not say how much is free");
        return Finding::ok(CHECK, found);
    };
    let (free_now, at_most) = (size(free), size(need.at_most));
    if free < need.now {
        return Finding::fail(
            CHECK,
            format!(
                "{free_now} are free for {shown}, and {} have to be: posts are refused",
                size(need.now)
            ),
            "make room on its disk; the service goes on by itself",
        );
    }
    if free.saturating_add(need.taken) < need.at_most {
        return Finding::warn(
            CHECK,
            format!("{free_now} are free for {shown}, and the backlog may take {at_most}"),
            "make room on its disk, or lower backlog.max_bytes",
        );
    }
    let found = format!("{shown} is writable, {free_now} free; the backlog may take {at_most}");
    Finding::ok(CHECK, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    const NEED: Need = Need { now: 100, at_most: 1000, taken: 200 };

    fn level(found: Found) -> Level {
        judge(Path::new("data"), found, NEED).level
    }

    fn with(free: u64) -> Found {
        Found::Folder { is_writable: true, free: Some(free) }
    }

    #[test]
    fn free_disk_is_held_against_what_the_backlog_needs_and_may_take() {
        assert_eq!(level(with(99)), Level::Fail);
        assert_eq!(level(with(799)), Level::Warn);
        assert_eq!(level(with(800)), Level::Ok, "what the journal has is taken already");
    }

    #[test]
    fn a_folder_has_to_be_one_that_this_user_may_write_to() {
        assert_eq!(level(Found::Folder { is_writable: false, free: Some(5000) }), Level::Fail);
        assert_eq!(level(Found::NoFolder), Level::Fail);
        assert_eq!(level(Found::Missing { can_be_made: true }), Level::Warn);
        assert_eq!(level(Found::Missing { can_be_made: false }), Level::Fail);
        let tmp = std::env::temp_dir();
        assert!(matches!(look(&tmp), Found::Folder { is_writable: true, free: Some(1..) }));
        let missing = look(&tmp.join("no-such/folder"));
        assert_eq!(missing, Found::Missing { can_be_made: true });
        assert!(matches!(look(Path::new("Cargo.toml")), Found::NoFolder));
    }
}
