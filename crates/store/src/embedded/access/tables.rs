//! What the tables of access have got since they were made.

/// Write keys.
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

/// Set-up codes; from where accounts are signed in to; why something was done.
pub const VERSION_11: &str = "
    -- What the first account is made with: SHA-256 of the code of each instance.
    CREATE TABLE set_up_codes (
        hash       BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- SHA-256 hashes of 32 bytes each, one behind the other, the last one last.
    ALTER TABLE accounts ADD COLUMN places BLOB NOT NULL DEFAULT x'';

    ALTER TABLE audit_trail ADD COLUMN reason TEXT;
";

/// What the pages show for the whole team.
pub const VERSION_12: &str = "
    -- One row, once anything was set.
    CREATE TABLE team (
        id              INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
        -- A JSON object: what is said of an event, by its type.
        sentences       TEXT    NOT NULL,
        -- A JSON array of types.
        hidden_types    TEXT    NOT NULL,
        -- A JSON object: an array of keys of the payload, by type.
        pinned_keys     TEXT    NOT NULL,
        asks_for_reason INTEGER NOT NULL CHECK (asks_for_reason IN (0, 1)),
        -- Milliseconds since the epoch, UTC.
        updated_at      INTEGER NOT NULL
    ) STRICT;
";

/// Addresses in the audit trail go before their entries do.
pub const VERSION_13: &str = "
    CREATE INDEX audit_trail_address ON audit_trail (at) WHERE client IS NOT NULL;
";
