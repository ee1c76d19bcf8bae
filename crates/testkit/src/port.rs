//! A port for a service.

use std::net::TcpListener;

use crate::trouble::Trouble;

/// Below the ports that the system hands out by itself: it must be free again
/// at each start.
pub fn free_port() -> Result<u16, Trouble> {
    (0..1000)
        .map(|_| rand::random_range(20_000..32_000))
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .ok_or_else(|| Trouble("there is no free port".to_owned()))
}
