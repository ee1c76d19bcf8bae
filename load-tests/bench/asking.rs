//! Requests for summaries of accounts.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::connection::{AsyncConnection, Connection};

/// Users that a summary names when nobody says how many.
pub const TOP: u32 = 10;
/// The most users that can be asked for.
pub const MAX_TOP: u32 = 100;

/// A request for the summary of an account's last seven days. Another `top` is
/// another summary, which is counted by itself and costs the same.
pub fn request(account: &str, top: u32, token: &str) -> Vec<u8> {
    format!(
        "GET /accounts/{account}/summary?window=last_7d&top={top} HTTP/1.1\r\nhost: bench\r\n\
         authorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}

/// Asks, and gives how long it took and how many events were counted.
pub fn ask(connection: &mut Connection, request: &[u8]) -> Result<(Duration, u64), Trouble> {
    let began = Instant::now();
    let status = connection.exchange(request).during("a summary")?;
    let took = began.elapsed();
    let body = String::from_utf8_lossy(connection.body());
    if status != 200 {
        return Err(Trouble(format!("a summary was answered {status}: {body}")));
    }
    let summary: Value = serde_json::from_str(&body).during("a summary")?;
    let total = summary["total"].as_u64();
    let total = total.ok_or_else(|| Trouble(format!("a summary has no total: {body}")))?;
    Ok((took, total))
}

/// Asks for the same from many connections at one moment.
pub async fn ask_at_once(
    address: SocketAddr,
    many: usize,
    request: &[u8],
) -> Result<Duration, Trouble> {
    let open = (0..many).map(|_| AsyncConnection::open(address));
    let mut connections = futures_util::future::try_join_all(open).await.during("connecting")?;
    let began = Instant::now();
    let asked = connections.iter_mut().map(|connection| connection.exchange(request));
    let answers = futures_util::future::try_join_all(asked).await;
    let took = began.elapsed();
    let others: Vec<u16> =
        answers.during("a summary")?.into_iter().filter(|&status| status != 200).collect();
    if others.is_empty() {
        return Ok(took);
    }
    Err(Trouble(format!(
        "of {many} who asked at once, {} were answered otherwise, first with {}",
        others.len(),
        others[0]
    )))
}
