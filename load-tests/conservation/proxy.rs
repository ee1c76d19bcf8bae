//! A stretch of bad network: a TCP proxy that, while it is rough, delays,
//! truncates and drops what passes, and that can hold inserts into the feed back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use trailkeep_testkit::trouble::{Trouble, While as _};

/// A proxy in front of one address. Calm at first.
pub struct Proxy {
    address: SocketAddr,
    is_rough: Arc<AtomicBool>,
    holding: watch::Sender<Holding>,
    task: JoinHandle<()>,
}

/// What becomes of inserts into the feed.
#[derive(Debug, Clone, Copy, Default)]
struct Holding {
    is_held: bool,
    /// How often what was held did not come any more.
    ended: u32,
}

/// How MongoDB's wire has an insert into the feed of the processor without a name of its
/// own: the head of the command, a BSON string with its length.
const FEED_INSERT: &[u8] = b"\x02insert\0\x0d\0\0\0feed.default\0";

/// How likely a piece of a request or a reply is cut while it is rough.
#[derive(Debug, Clone, Copy)]
pub struct Roughness {
    pub requests: f64,
    pub replies: f64,
}

impl Proxy {
    /// Listens on a free port.
    pub async fn to(upstream: String, roughness: Roughness, seed: u64) -> Result<Self, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await.during("a proxy")?;
        let address = listener.local_addr().during("a proxy")?;
        let is_rough = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_rough);
        let (holding, is_held) = watch::channel(Holding::default());
        let task = tokio::spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed);
            while let Ok((client, _)) = listener.accept().await {
                let passage = |chance| Passage {
                    is_rough: Arc::clone(&flag),
                    holding: is_held.clone(),
                    chance,
                    rng: StdRng::seed_from_u64(seed),
                };
                let (mut to, mut from) = (passage(roughness.requests), passage(roughness.replies));
                to.rng = StdRng::from_rng(&mut rng);
                from.rng = StdRng::from_rng(&mut rng);
                tokio::spawn(carry(client, upstream.clone(), to, from));
            }
        });
        Ok(Self { address, is_rough, holding, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the network bad, or good again.
    pub fn be_rough(&self, is_rough: bool) {
        self.is_rough.store(is_rough, Ordering::Relaxed);
    }

    /// Holds each insert into the feed back from now on.
    pub fn hold(&self) {
        self.holding.send_modify(|holding| holding.is_held = true);
    }

    /// Lets go of what is held: it comes late, or its connections end.
    pub fn let_go(&self, comes_late: bool) {
        self.holding.send_modify(|holding| {
            holding.is_held = false;
            holding.ended += u32::from(!comes_late);
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries one connection until either side ends or a cut comes; then both
/// sides are closed.
async fn carry(mut client: TcpStream, upstream: String, to: Passage, from: Passage) {
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (client_in, client_out) = client.split();
    let (server_in, server_out) = server.split();
    tokio::select! {
        () = to.pump(client_in, server_out) => {}
        () = from.pump(server_in, client_out) => {}
    }
}

/// One direction of a connection.
struct Passage {
    is_rough: Arc<AtomicBool>,
    holding: watch::Receiver<Holding>,
    chance: f64,
    rng: StdRng,
}

impl Passage {
    async fn pump(mut self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count) = from.read(&mut buffer).await {
            if count == 0 {
                return;
            }
            if !self.is_let_through(&buffer[..count]).await {
                return;
            }
            let passes = self.fate_of(count).await;
            if to.write_all(&buffer[..passes]).await.is_err() || passes < count {
                return;
            }
        }
    }

    /// Waits while a piece is held back, and answers whether it comes after all.
    async fn is_let_through(&mut self, piece: &[u8]) -> bool {
        let Holding { is_held, ended } = *self.holding.borrow();
        if !is_held || !piece.windows(FEED_INSERT.len()).any(|part| part == FEED_INSERT) {
            return true;
        }
        let end = self.holding.wait_for(|holding| !holding.is_held).await;
        end.is_ok_and(|holding| holding.ended == ended)
    }

    /// How much of a piece passes, after a delay where there is one. Of a
    /// piece that is cut, nothing or a part passes.
    async fn fate_of(&mut self, count: usize) -> usize {
        if !self.is_rough.load(Ordering::Relaxed) {
            return count;
        }
        if self.rng.random_bool(0.1) {
            let delay = self.rng.random_range(1..100);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if !self.rng.random_bool(self.chance) {
            return count;
        }
        if self.rng.random_bool(0.4) { 0 } else { self.rng.random_range(0..count) }
    }
}
