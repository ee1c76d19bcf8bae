//! Whether what was settled is gone from the disk.

use std::fs;
use std::io;
use std::path::Path;

use super::disk::{numbers_in, read_in};

/// Bytes that are looked at, at once.
const PART: usize = 1 << 20;

/// Whether the files in a journal's folder hold nothing of any segment up to this number: each
/// of them is zeros to its end, or is not there. Reads them, also while the journal is written.
///
/// # Errors
///
/// Those of the folder, and of reading.
pub fn is_wiped(folder: &Path, up_to: u64) -> io::Result<bool> {
    for number in numbers_in(folder)?.into_iter().take_while(|number| *number <= up_to) {
        match is_zero(folder, number) {
            Ok(true) => {}
            // It is zeroed before it gets another name, and nothing is written into one that
            // is removed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
    }
    Ok(true)
}

fn is_zero(folder: &Path, number: u64) -> io::Result<bool> {
    let mut offset = 0;
    loop {
        let part = read_in(folder, number, offset, PART)?;
        if part.is_empty() {
            return Ok(true);
        }
        if part.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += part.len() as u64;
    }
}

/// Removes the files in a journal's folder in which damaged places were put aside. Answers
/// how many there were.
///
/// # Errors
///
/// Those of the folder, and of removing; a part of them may be gone.
pub fn remove_damaged(folder: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("damaged-") {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
