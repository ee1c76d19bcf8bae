//! The tables of write keys, as the tenth version of the file made them.

pub const VERSION_10: &str = "
    -- What trackers send with their events.
    CREATE TABLE write_keys (
        id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        name         TEXT    NOT NULL UNIQUE,
        -- SHA-256 of the key.
        hash         BLOB    NOT NULL CHECK (length(hash) = 32),
        -- Its last characters.
        hint         TEXT    NOT NULL,
        -- A JSON array.
        origins      TEXT    NOT NULL,
        created_by   BLOB    CHECK (length(created_by) = 16),
        -- This and all times: milliseconds since the epoch, UTC.
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER,
        last_used_at INTEGER
    ) STRICT, WITHOUT ROWID;

    -- One row: another version after each key that came or went.
    CREATE TABLE write_keys_version (
        id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        version BLOB    NOT NULL CHECK (length(version) = 16)
    ) STRICT;
";
