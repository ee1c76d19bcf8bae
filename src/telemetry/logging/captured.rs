//! What a test logs, for it to read.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::subscriber::DefaultGuard;

/// What was logged, as it would have been written.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that this thread logs, from information on, until it is dropped.
pub struct Captured {
    sink: Sink,
    _guard: DefaultGuard,
}

impl Captured {
    /// Begins to listen.
    pub fn begin() -> Self {
        let sink = Sink::default();
        let writer = sink.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
        Self { sink, _guard: tracing::subscriber::set_default(lines.finish()) }
    }

    /// How many lines say that.
    pub fn lines_with(&self, message: &str) -> usize {
        let text = self.sink.text();
        text.lines().filter(|line| line.contains(message)).count()
    }
}
