//! What a move left behind.

use std::path::Path;

use trailkeep_store::embedded::{self, Mark};

use super::finding::Finding;

const CHECK: &str = "old file";

/// Warns of an embedded store that was moved and is still there: nothing that is erased, or
/// expires, goes from it any more.
pub fn judge(data_dir: &Path, is_mongodb: bool) -> Option<Finding> {
    let mark = Mark::of(data_dir).ok().flatten()?;
    let file = embedded::file_in(data_dir);
    let is_left = is_mongodb && mark.is_complete && file.exists();
    is_left.then(|| {
        let file = file.display();
        let found = format!("{file} is as it was before it was moved, with all its personal data");
        Finding::warn(CHECK, found, format!("remove it when the service runs well: rm {file}*"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_that_was_moved_is_told_of_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = embedded::file_in(folder.path());
        std::fs::write(&file, "").unwrap();
        assert!(judge(folder.path(), true).is_none(), "nobody moved it");
        let mark = Mark { id: Uuid::new_v4(), to: "db/shop".to_owned(), is_complete: true };
        mark.put_into(folder.path()).unwrap();
        assert!(judge(folder.path(), false).is_none(), "that it was moved is said elsewhere");
        assert!(judge(folder.path(), true).is_some());
        std::fs::remove_file(&file).unwrap();
        assert!(judge(folder.path(), true).is_none());
    }
}
