//! The set-up code, as an operator finds it: in the data folder, or in the log.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// The code in a data folder, if it is there now.
pub fn code_in(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("set-up-code")).ok()?;
    Some(text.trim().to_owned())
}

/// The code in a log, as the link in it has it.
pub fn code_in_log(log: &str) -> Option<String> {
    let (_, rest) = log.rsplit_once("/set-up?code=")?;
    let is_of_it = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    Some(rest.chars().take_while(is_of_it).collect())
}

/// What signs somebody up at a service that was just started, with the code of its data
/// folder: it is there a moment after the service is ready. A version that knows no
/// code has none.
pub async fn sign_up_body(folder: &Path, email: &str, password: &str, name: &str) -> Value {
    let mut body = json!({ "email": email, "password": password, "name": name });
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(code) = code_in(folder) {
            body["setupCode"] = code.into();
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    body
}
