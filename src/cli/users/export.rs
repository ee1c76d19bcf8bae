//! All that is known of a user, into a file or to the standard output.

use std::io::{self, Write};
use std::path::Path;

use trailkeep_store::whole_file::WholeFile;

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
    let mut file = WholeFile::begin(path).map_err(failed)?;
    let bytes = write(control, user_id, &mut file.file).await?.map_err(failed)?;
    file.keep().map_err(failed)?;
    Ok(format!("{bytes} bytes in {}\n", path.display()))
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
