//! All that is known of a user, into a file or to the standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::UsersError;
use crate::cli::control::{Control, ControlError};
use crate::console::links::segment;

/// Does it, and answers what is to be printed.
pub async fn run(
    control: &Control,
    user_id: &str,
    out: Option<&Path>,
) -> Result<String, UsersError> {
    if let Some(path) = out {
        return to_file(control, user_id, path).await;
    }
    let written = write(control, user_id, &mut io::stdout().lock()).await?;
    written.map_err(UsersError::Output)?;
    Ok(String::new())
}

/// Under another name until it is whole, and for nobody else to read.
async fn to_file(control: &Control, user_id: &str, path: &Path) -> Result<String, UsersError> {
    let failed = |error| UsersError::File { path: path.to_owned(), error };
    if path.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&part);
    let written = fill(control, user_id, file.map_err(failed)?).await;
    let done = match written {
        Ok(Ok(bytes)) => fs::rename(&part, path).map(|()| bytes).map_err(failed),
        Ok(Err(error)) => Err(failed(error)),
        Err(error) => Err(error.into()),
    };
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done.map(|bytes| format!("{bytes} bytes in {}\n", path.display()))
}

async fn fill(
    control: &Control,
    user_id: &str,
    mut file: File,
) -> Result<io::Result<u64>, ControlError> {
    let written = write(control, user_id, &mut file).await?;
    Ok(written.and_then(|bytes| file.sync_all().map(|()| bytes)))
}

/// How many bytes there were.
async fn write(
    control: &Control,
    user_id: &str,
    out: &mut impl Write,
) -> Result<io::Result<u64>, ControlError> {
    let mut download = control.download(&format!("/users/{}/export", segment(user_id))).await?;
    let mut bytes = 0;
    while let Some(more) = download.more().await? {
        if let Err(error) = out.write_all(&more) {
            return Ok(Err(error));
        }
        bytes += more.len() as u64;
    }
    Ok(out.flush().map(|()| bytes))
}
