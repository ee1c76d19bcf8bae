//! The reasons for which requests with events are refused.

/// Why a request with events was refused, as a whole but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBecause {
    /// Its JSON or its events are at fault (400).
    Invalid,
    /// Too many events, or too many bytes (413).
    TooLarge,
    /// A media type or encoding that is not taken (415).
    Unsupported,
    /// It was not sent to its end in time, or broke off (408).
    Incomplete,
    /// The backlog is full (503).
    BufferFull,
    /// No write key that is taken (401).
    Unauthorized,
    /// Over the configured rate (429).
    TooOften,
    /// The journal cannot be written (503).
    NotWritten,
    /// An account or a write key holds its share of the backlog (429).
    OverShare,
    /// Others hold the memory that bodies may take (503).
    TooManyBodies,
    /// A write key that is not for pages of the origin that sent it (403).
    OtherOrigin,
    /// Which write keys there are is not known yet (503).
    Starting,
    /// It was taken, but for events that were left out (200): of other collectors' SDKs alone.
    LeftOut,
}

impl RefusedBecause {
    /// All of them, in the order in which `/stats` lists them.
    pub const ALL: [Self; 13] = [
        Self::Invalid,
        Self::TooLarge,
        Self::Unsupported,
        Self::Incomplete,
        Self::BufferFull,
        Self::Unauthorized,
        Self::TooOften,
        Self::NotWritten,
        Self::OverShare,
        Self::TooManyBodies,
        Self::OtherOrigin,
        Self::Starting,
        Self::LeftOut,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "tooLarge",
            Self::Unsupported => "unsupported",
            Self::Incomplete => "incomplete",
            Self::BufferFull => "bufferFull",
            Self::Unauthorized => "unauthorized",
            Self::TooOften => "tooOften",
            Self::NotWritten => "notWritten",
            Self::OverShare => "overShare",
            Self::TooManyBodies => "tooManyBodies",
            Self::OtherOrigin => "otherOrigin",
            Self::Starting => "starting",
            Self::LeftOut => "leftOut",
        }
    }

    /// Whether there may be so many of them that the log has their number, at
    /// intervals, and no line for each.
    pub fn comes_in_floods(self) -> bool {
        match self {
            Self::BufferFull
            | Self::Unauthorized
            | Self::TooOften
            | Self::NotWritten
            | Self::OverShare
            | Self::TooManyBodies
            | Self::OtherOrigin
            | Self::Starting => true,
            Self::Invalid
            | Self::TooLarge
            | Self::Unsupported
            | Self::Incomplete
            | Self::LeftOut => false,
        }
    }
}
