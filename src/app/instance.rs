//! Which instance this is: the identity of its data folder, by which others know whether all
//! have taken part in an erasure.

use std::path::Path;
use std::{fs, io};

use trailkeep_store::whole_file;
use uuid::Uuid;

/// Where it stands.
const FILE: &str = "instance";

/// The identity of a data folder, and whether this call has made it. A folder that is copied has
/// the same: then one of the two has to lose the file.
///
/// # Errors
///
/// Those of the folder; and where the file holds something else.
pub fn id_in(data_dir: &Path) -> io::Result<(Uuid, bool)> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Uuid::parse_str(text.trim()).map(|id| (id, false)).map_err(|_| {
            let reason = "holds no identity of a data folder; remove it, and a new one is made";
            io::Error::new(io::ErrorKind::InvalidData, format!("{} {reason}", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(data_dir, &path).map(|id| (id, true))
        }
        Err(error) => Err(error),
    }
}

/// The identity that a data folder has, if it has one.
pub fn known_in(data_dir: &Path) -> Option<Uuid> {
    Uuid::parse_str(fs::read_to_string(data_dir.join(FILE)).ok()?.trim()).ok()
}

fn make(data_dir: &Path, path: &Path) -> io::Result<Uuid> {
    let id = Uuid::new_v4();
    fs::create_dir_all(data_dir)?;
    whole_file::write(path, format!("{id}\n").as_bytes())?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_keeps_the_identity_that_it_got_first() {
        let folder = tempfile::tempdir().unwrap();
        let (id, is_new) = id_in(folder.path()).unwrap();
        assert!(is_new);
        assert_eq!(id_in(folder.path()).unwrap(), (id, false));
        assert_eq!(known_in(folder.path()), Some(id));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(id_in(other.path()).unwrap().0, id);
        fs::write(folder.path().join(FILE), "something").unwrap();
        let error = id_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("remove it"), "{error}");
    }
}
