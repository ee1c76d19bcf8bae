//! The tables of processing, as the sixth and the seventh version of the file made them.

/// A feed's documents lie together by process, so that they are read and deleted in
/// order. Outcomes are appended, with an index of their own by identity: clustered by
/// it, each would change another page, its result and all.
pub const VERSION_6: &str = "
    CREATE TABLE processors (
        name        TEXT    NOT NULL PRIMARY KEY,
        -- Hashes users' ids in the feed.
        secret      BLOB    NOT NULL CHECK (length(secret) = 16),
        -- {\"any\": arrival or null, \"types\": {type: arrival}}
        wanted      TEXT    NOT NULL,
        version     INTEGER NOT NULL,
        -- This and all times: milliseconds since the epoch, UTC.
        seen_at     INTEGER NOT NULL,
        -- Who delivers; nobody ever did where they are missing.
        lease_owner BLOB    CHECK (length(lease_owner) = 8),
        lease_epoch INTEGER,
        lease_beat  INTEGER
    ) STRICT, WITHOUT ROWID;

    -- What is pending.
    CREATE TABLE feed (
        processor TEXT    NOT NULL,
        process   BLOB    NOT NULL CHECK (length(process) = 8),
        number    INTEGER NOT NULL,
        entries   BLOB    NOT NULL,
        PRIMARY KEY (processor, process, number)
    ) STRICT, WITHOUT ROWID;

    -- What became of each event.
    CREATE TABLE processed_events (
        processor              TEXT    NOT NULL,
        -- That of the event.
        id                     BLOB    NOT NULL CHECK (length(id) = 16),
        run                    INTEGER NOT NULL,
        -- These four are missing where the event is gone.
        event_id               TEXT,
        user_id                TEXT,
        type                   TEXT,
        occurred_at            INTEGER,
        -- Where the event is gone, when that was found.
        received_at            INTEGER NOT NULL,
        arrival                INTEGER NOT NULL,
        -- processed, failed, skipped, pending
        state                  TEXT    NOT NULL,
        processed_at           INTEGER NOT NULL,
        processing_duration_ms INTEGER NOT NULL,
        waited_ms              INTEGER NOT NULL,
        attempts               INTEGER NOT NULL,
        http_status            INTEGER,
        -- A JSON object.
        result                 TEXT,
        error                  TEXT,
        PRIMARY KEY (processor, id)
    ) STRICT;

    CREATE INDEX processed_events_failed ON processed_events (processor, processed_at)
    WHERE state = 'failed';
    CREATE INDEX processed_events_age ON processed_events (received_at);

    -- Users whose pending events are in events alone, from an arrival number on.
    CREATE TABLE parked (
        processor    TEXT    NOT NULL,
        user_key     BLOB    NOT NULL CHECK (length(user_key) = 16),
        user_id      TEXT    NOT NULL,
        from_arrival INTEGER NOT NULL,
        epoch        INTEGER NOT NULL,
        change       INTEGER NOT NULL,
        PRIMARY KEY (processor, user_key)
    ) STRICT, WITHOUT ROWID;
";

/// What steers a processor. A command has up to 192 KiB, so the table has rows of its
/// own, and small indexes beside them.
pub const VERSION_7: &str = "
    -- The event at which the user waits for a person.
    ALTER TABLE parked ADD COLUMN held BLOB CHECK (length(held) = 16);

    -- What people ask of processors.
    CREATE TABLE processor_commands (
        id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        processor   TEXT    NOT NULL,
        made_at     INTEGER NOT NULL,
        -- This, progress and answer: JSON.
        \"order\"     TEXT    NOT NULL,
        progress    TEXT,
        -- It is open where this is missing.
        answered_at INTEGER,
        answer      TEXT
    ) STRICT;

    CREATE INDEX processor_commands_of ON processor_commands (processor, made_at, id);

    -- What is known of a processor where it is delivered for.
    CREATE TABLE processor_states (
        processor TEXT    NOT NULL PRIMARY KEY,
        at        INTEGER NOT NULL,
        -- JSON.
        state     TEXT    NOT NULL
    ) STRICT;
";

/// Deletes at most ?2 outcomes of events that were received before ?1.
pub const DELETE_EXPIRED: &str = "
    DELETE FROM processed_events WHERE rowid IN (
        SELECT rowid FROM processed_events WHERE received_at < ?1 LIMIT ?2
    )";
