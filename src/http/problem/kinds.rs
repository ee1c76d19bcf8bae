//! The table of problems: what each kind is called, under which status it is
//! answered, and with which headers.

use axum::http::StatusCode;

type Headers = &'static [(&'static str, &'static str)];

/// A kind of problem.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The end of its `type`.
    pub name: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// Headers that its answers have.
    pub headers: Headers,
}

impl Kind {
    const fn with(self, headers: Headers) -> Self {
        Self { headers, ..self }
    }
}

const fn kind(status: u16, name: &'static str, title: &'static str) -> Kind {
    let status = match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Kind { name, title, status, headers: &[] }
}

const AGAIN_IN_1_S: Headers = &[("retry-after", "1")];
const AGAIN_IN_2_S: Headers = &[("retry-after", "2")];
const AGAIN_IN_5_S: Headers = &[("retry-after", "5")];
const AGAIN_IN_30_S: Headers = &[("retry-after", "30")];
const SIGN_IN: Headers = &[("www-authenticate", "Bearer realm=\"trailkeep\"")];
const SEND_A_KEY: Headers = &[("www-authenticate", "Bearer realm=\"trailkeep events\"")];
const OTHER_SCOPE: Headers =
    &[("www-authenticate", "Bearer realm=\"trailkeep\", error=\"insufficient_scope\"")];
const FORMS: Headers = &[("accept-post", "application/json, text/plain, application/x-ndjson")];
const ENCODINGS: Headers = &[("accept-encoding", "gzip, deflate, br, zstd")];

// The request cannot be read.
pub const BROKEN_BODY: Kind = kind(400, "broken-body", "Broken body");
pub const INVALID_BODY: Kind = kind(400, "invalid-body", "Invalid body");
pub const INVALID_EVENTS: Kind = kind(400, "invalid-events", "Invalid events");
pub const INVALID_FIELDS: Kind = kind(400, "invalid-fields", "Invalid fields");
pub const INVALID_JSON: Kind = kind(400, "invalid-json", "Invalid JSON");
pub const INVALID_PARAMETERS: Kind = kind(400, "invalid-parameters", "Invalid parameters");
pub const INVALID_REASON: Kind = kind(400, "invalid-reason", "Invalid reason");
pub const BODY_TIMEOUT: Kind = kind(408, "body-timeout", "Request timeout");
pub const UNSUPPORTED_ENCODING: Kind =
    kind(415, "unsupported-encoding", "Unsupported encoding").with(ENCODINGS);
pub const JSON_ONLY: Kind = kind(415, "unsupported-media-type", "Unsupported media type");
pub const UNSUPPORTED_MEDIA_TYPE: Kind = JSON_ONLY.with(FORMS);

// There is no such thing.
pub const NOT_BLOCKED: Kind = kind(404, "not-blocked", "Not found");
pub const NOT_FOUND: Kind = kind(404, "not-found", "Not found");
pub const NOT_LINKED: Kind = kind(404, "not-linked", "Not found");
pub const UNKNOWN_EVENT: Kind = kind(404, "unknown-event", "Not found");
pub const UNKNOWN_ID: Kind = kind(404, "unknown-id", "Not found");
pub const UNKNOWN_PROCESSOR: Kind = kind(404, "unknown-processor", "Not found");
pub const UNKNOWN_USER: Kind = kind(404, "unknown-user", "Not found");
pub const METHOD_NOT_ALLOWED: Kind = kind(405, "method-not-allowed", "Method not allowed");

// Whoever sent it may not.
pub const UNAUTHORIZED: Kind = kind(401, "unauthorized", "Unauthorized").with(SIGN_IN);
pub const WRONG_CREDENTIALS: Kind =
    kind(401, "wrong-credentials", "Wrong credentials").with(SIGN_IN);
pub const WRITE_KEY_REQUIRED: Kind =
    kind(401, "write-key-required", "Write key required").with(SEND_A_KEY);
pub const ADMINS_ONLY: Kind = kind(403, "admins-only", "Forbidden");
pub const CROSS_SITE: Kind = kind(403, "cross-site", "Forbidden");
pub const NO_EXPORT: Kind = kind(403, "no-export", "Forbidden");
pub const NO_PERSON: Kind = kind(403, "no-person", "Forbidden");
pub const ORIGIN_NOT_ALLOWED: Kind = kind(403, "origin-not-allowed", "Forbidden");
pub const SET_UP_CODE: Kind = kind(403, "set-up-code", "Forbidden");
pub const SIGN_UP_CLOSED: Kind = kind(403, "sign-up-closed", "Forbidden");
pub const WRONG_SCOPE: Kind = kind(403, "wrong-scope", "Forbidden").with(OTHER_SCOPE);

// What is kept stands against it.
pub const CONFLICT: Kind = kind(409, "conflict", "Conflict");
pub const EMAIL_TAKEN: Kind = kind(409, "email-taken", "Conflict");
pub const LAST_ADMINISTRATOR: Kind = kind(409, "last-administrator", "Conflict");
pub const NAME_TAKEN: Kind = kind(409, "name-taken", "Conflict");
pub const REFUSED_AGAIN: Kind = kind(409, "refused-again", "Conflict");
pub const TOO_MANY_WRITE_KEYS: Kind = kind(409, "too-many-write-keys", "Conflict");
pub const WRONG_SETTINGS: Kind = kind(409, "wrong-settings", "Wrong settings");
pub const WRITE_KEY_OF_SETTINGS: Kind = kind(409, "write-key-of-settings", "Conflict");

// It is too much: for good, or now.
pub const LARGER_THAN_SHARE: Kind = kind(413, "larger-than-share", "Larger than share");
pub const TOO_LARGE: Kind = kind(413, "too-large", "Too large");
pub const TOO_MANY_EVENTS: Kind = kind(413, "too-many-events", "Too many events");
pub const OVER_SHARE: Kind = kind(429, "over-share", "Over share").with(AGAIN_IN_1_S);
pub const TOO_MANY_COMMANDS: Kind =
    kind(429, "too-many-commands", "Too many commands").with(AGAIN_IN_5_S);
pub const TOO_MANY_REQUESTS: Kind = kind(429, "too-many-requests", "Too many requests");

// The service cannot, now.
pub const INTERNAL: Kind = kind(500, "internal", "Internal error");
pub const BUFFER_FULL: Kind = kind(503, "buffer-full", "Buffer full").with(AGAIN_IN_1_S);
pub const NOT_NOTED: Kind = kind(503, "not-noted", "Not noted").with(AGAIN_IN_5_S);
pub const DATABASE_UNAVAILABLE: Kind =
    kind(503, "database-unavailable", "Database unavailable").with(AGAIN_IN_5_S);
pub const NOT_WRITTEN: Kind = kind(503, "not-written", "Not written").with(AGAIN_IN_5_S);
pub const SIGN_IN_BUSY: Kind = kind(503, "busy", "Busy").with(AGAIN_IN_1_S);
pub const STARTING: Kind = kind(503, "starting", "Starting").with(AGAIN_IN_1_S);
pub const SUMMARIES_BUSY: Kind = SIGN_IN_BUSY.with(AGAIN_IN_2_S);
pub const TOO_MANY_BODIES: Kind =
    kind(503, "too-many-bodies", "Too many bodies").with(AGAIN_IN_1_S);
pub const TOO_MANY_STREAMS: Kind =
    kind(503, "too-many-streams", "Too many streams").with(AGAIN_IN_30_S);
pub const TOO_SLOW: Kind = kind(503, "too-slow", "Too slow").with(AGAIN_IN_30_S);
pub const NOT_ALL_STORED: Kind = kind(504, "not-all-stored", "Not stored");
pub const NOT_STORED_IN_TIME: Kind = kind(504, "not-stored-in-time", "Not stored");
