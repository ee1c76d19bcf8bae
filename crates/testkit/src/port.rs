//! A port for a service or a database.

use std::net::TcpListener;

use crate::trouble::Trouble;

/// A port below those that the system hands out by itself: who is down for a moment
/// must find it free again, and a client that knocks meanwhile must not, by chance,
/// connect to itself.
pub fn free_port() -> Result<u16, Trouble> {
    (0..1000)
        .map(|_| rand::random_range(20_000..32_000))
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .ok_or_else(|| Trouble("there is no free port".to_owned()))
}
