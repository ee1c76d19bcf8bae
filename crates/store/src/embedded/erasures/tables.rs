//! The tables of erasures, as the fourteenth version of the file made them.

/// An erasure may have hundreds of KiB until it is done, so the table has rows of its own,
/// and a small index of those that are under way.
pub const VERSION_14: &str = "
    -- Who was erased, or is being erased.
    CREATE TABLE erasures (
        id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        -- A JSON array: {id, hash, until}; without id once it is done.
        ids          TEXT    NOT NULL,
        -- This and all times: milliseconds since the epoch, UTC.
        requested_at INTEGER NOT NULL,
        -- It is under way where this is missing.
        verified_at  INTEGER,
        -- A JSON object: when each instance had done its part.
        parts        TEXT    NOT NULL,
        -- A JSON array of instances.
        missing      TEXT    NOT NULL,
        -- A JSON object: how much went, by the place.
        deleted      TEXT    NOT NULL
    ) STRICT;

    CREATE INDEX erasures_running ON erasures (requested_at, id) WHERE verified_at IS NULL;

    -- Data folders whose journals may hold accepted events.
    CREATE TABLE instances (
        id    BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        since INTEGER NOT NULL,
        seen  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- HMAC-SHA-256 of ids whose events are left out.
    CREATE TABLE blocked_ids (
        hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32)
    ) STRICT, WITHOUT ROWID;

    -- One row: what hashes the ids of users who were erased.
    CREATE TABLE installation (
        id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        key BLOB    NOT NULL CHECK (length(key) = 32)
    ) STRICT;
";
