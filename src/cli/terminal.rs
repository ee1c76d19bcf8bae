//! What is told on standard output and on standard error.

use std::io::{self, Write};
use std::process::ExitCode;

/// Prints it. A reader that has seen enough (`| head`) is no failure.
pub fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("trailkeep: cannot print: {error}\n"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Tells it on standard error.
pub fn complain(text: &str) {
    // Nobody is left to be told when standard error is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
