//! The parts that run side by side.

/// A part that must not end before a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Writers,
    Listener,
    ControlSocket,
    DatabaseWatch,
    DiskWatch,
    DatabaseWriter,
    LetterCount,
    AuditTrail,
    History,
    Journal,
    Deliverers,
    Erasures,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Writers => "writers, or what reads the journal back",
            Self::Listener => "listener",
            Self::ControlSocket => "control socket",
            Self::DatabaseWatch => "database watch",
            Self::DiskWatch => "disk watch",
            Self::DatabaseWriter => "embedded store's writer",
            Self::LetterCount => "count of dead letters",
            Self::AuditTrail => {
                "audit trail, the look for write keys, or the sweep of what has expired"
            }
            Self::History => "history of the counters",
            Self::Journal => "journal",
            Self::Deliverers => "delivery to a processor",
            Self::Erasures => "erasing of users, or the look for who is erased",
        }
    }
}
