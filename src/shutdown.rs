//! How the process ends: the signals that ask for it, and the exit codes that
//! tell a supervisor how it went. And the one signal that asks for something else.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// How a run of the service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All that was accepted is stored, or in the journal for the next start.
    Clean,
    /// It could not start; nothing was accepted.
    NotStarted,
    /// A part that must not end has ended; what was accepted is stored or in the
    /// journal.
    Defect,
    /// A second signal came before the stop was complete.
    Forced,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Clean => 0,
            Ending::NotStarted => 1,
            // 2 is for wrong settings: see `cli`.
            // 3 and 4 were endings with events outside of the journal.
            Ending::Defect => 5,
            Ending::Forced => 6,
        })
    }
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on: neither signal ends the process by itself any more.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal that comes on purpose: what follows within
    /// half a second is the same request once more, as when a terminal and a
    /// supervisor both pass Ctrl-C on.
    pub async fn next_on_purpose(&mut self) -> &'static str {
        const SAME: Duration = Duration::from_millis(500);
        let _ = timeout(SAME, async {
            loop {
                self.next().await;
            }
        })
        .await;
        self.next().await
    }

    /// The name of the next signal.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What SIGHUP says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// Somebody sent it: the settings are to be read again.
    OnPurpose,
    /// The terminal that the process was started at has gone: nobody sees it any more, and
    /// it would keep its port and its folder from whoever starts it again.
    TerminalClosed,
}

/// SIGHUP.
#[derive(Debug)]
pub struct HangUps {
    signal: Signal,
    had_terminal: bool,
}

impl HangUps {
    /// Listens from now on: the signal does not end the process by itself any more.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::hangup())?, had_terminal: has_terminal() })
    }

    /// The next one. Several that come at once are one.
    pub async fn next(&mut self) -> HangUp {
        self.signal.recv().await;
        if self.had_terminal && !has_terminal() {
            HangUp::TerminalClosed
        } else {
            HangUp::OnPurpose
        }
    }
}

/// Whether anything leads to a terminal. To one that was closed nothing does.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}
