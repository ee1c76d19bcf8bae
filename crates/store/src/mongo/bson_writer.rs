//! BSON written straight into one buffer: the driver's own builders would copy
//! every event into a document, then into an array, then into a command.

use trailkeep_event::bson_tag as tag;

/// Subtype 4 of a BSON binary: a UUID.
const UUID: u8 = 4;

/// A document under construction. Keys hold no NUL.
#[derive(Default)]
pub struct BsonWriter {
    out: Vec<u8>,
}

/// Where a document or an array began; it is handed back to end it.
#[must_use]
pub struct Open(usize);

impl BsonWriter {
    /// A writer that need not grow up to that many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes) }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes back everything from this length on.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Begins the outermost document.
    pub fn open(&mut self) -> Open {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        Open(start)
    }

    pub fn open_document(&mut self, key: &str) -> Open {
        self.key(tag::DOCUMENT, key);
        self.open()
    }

    pub fn open_array(&mut self, key: &str) -> Open {
        self.key(tag::ARRAY, key);
        self.open()
    }

    pub fn close(&mut self, Open(start): Open) {
        self.out.push(0);
        let length = length_prefix(self.out.len() - start);
        self.out[start..start + 4].copy_from_slice(&length);
    }

    /// A document that is encoded already.
    pub fn document(&mut self, key: &str, encoded: &[u8]) {
        self.key(tag::DOCUMENT, key);
        self.out.extend_from_slice(encoded);
    }

    pub fn string(&mut self, key: &str, text: &str) {
        self.key(tag::STRING, key);
        self.out.extend_from_slice(&length_prefix(text.len() + 1));
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
    }

    pub fn uuid(&mut self, key: &str, bytes: &[u8; 16]) {
        self.key(tag::BINARY, key);
        self.out.extend_from_slice(&length_prefix(bytes.len()));
        self.out.push(UUID);
        self.out.extend_from_slice(bytes);
    }

    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(tag::BOOLEAN, key);
        self.out.push(u8::from(value));
    }

    /// A moment, in milliseconds since the epoch.
    pub fn date(&mut self, key: &str, millis: i64) {
        self.key(tag::DATE, key);
        self.out.extend_from_slice(&millis.to_le_bytes());
    }

    pub fn int64(&mut self, key: &str, number: i64) {
        self.key(tag::INT64, key);
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    fn key(&mut self, tag: u8, key: &str) {
        self.out.push(tag);
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(0);
    }
}

/// BSON counts in signed 32 bits; what is longer is refused before it is sent.
fn length_prefix(length: usize) -> [u8; 4] {
    i32::try_from(length).unwrap_or(i32::MAX).to_le_bytes()
}
