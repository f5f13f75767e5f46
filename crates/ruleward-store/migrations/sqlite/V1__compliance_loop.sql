-- Numbers are the store's own, texts leave the server. Times are microseconds since the epoch.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE account (
    no               INTEGER PRIMARY KEY AUTOINCREMENT,
    domain_id        TEXT    NOT NULL UNIQUE,
    name             TEXT    NOT NULL UNIQUE,
    created          INTEGER NOT NULL,
    recorder_enabled INTEGER NOT NULL,
    -- Moves with every change of rules or recorder.
    rules_version    INTEGER NOT NULL DEFAULT 0,
    -- Resources by verdict, each counted once.
    compliant        INTEGER NOT NULL DEFAULT 0,
    non_compliant    INTEGER NOT NULL DEFAULT 0,
    undetermined     INTEGER NOT NULL DEFAULT 0,
    exempt           INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE user (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (no),
    id            TEXT    NOT NULL UNIQUE,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    password_hash TEXT,
    created       INTEGER NOT NULL,
    UNIQUE (account, name)
);

CREATE TABLE access_key (
    access_key    TEXT    PRIMARY KEY,
    user          INTEGER NOT NULL REFERENCES user (no),
    sealed_secret BLOB    NOT NULL,
    token_sha256  BLOB,
    expires       INTEGER,
    created       INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_key_by_user ON access_key (user);

CREATE TABLE token (
    sha256  BLOB    PRIMARY KEY,
    user    INTEGER NOT NULL REFERENCES user (no),
    expires INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE policy_assignment (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (no),
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    -- The form of `body`; readers take every form that was ever written.
    format        INTEGER NOT NULL DEFAULT 1,
    body          TEXT    NOT NULL,
    -- When the clock starts it next; periodic rules only.
    next_run      INTEGER,
    compliant     INTEGER NOT NULL DEFAULT 0,
    non_compliant INTEGER NOT NULL DEFAULT 0,
    undetermined  INTEGER NOT NULL DEFAULT 0,
    exempt        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, id),
    UNIQUE (account, name)
);
CREATE INDEX policy_assignment_by_next_run ON policy_assignment (next_run) WHERE next_run IS NOT NULL;

CREATE TABLE evaluation_run (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    rule         INTEGER NOT NULL,
    trigger      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    started      INTEGER NOT NULL,
    ended        INTEGER,
    chunks       INTEGER NOT NULL,
    chunks_done  INTEGER NOT NULL,
    judged       INTEGER NOT NULL,
    undetermined INTEGER NOT NULL,
    reason       TEXT
);
CREATE INDEX evaluation_run_by_rule ON evaluation_run (rule, no);

-- Types compare by `folded` and keep the spelling first seen.
CREATE TABLE resource_type (
    no       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL REFERENCES account (no),
    folded   TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    -- Moves with every change of a resource of a type that some rule looks up.
    changes  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, folded)
);

-- The unit of work: up to 4,096 slots of one account and type. Slots are never reused.
CREATE TABLE chunk (
    no      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (no),
    type    INTEGER NOT NULL REFERENCES resource_type (no),
    -- The version of the resource changed last.
    version INTEGER NOT NULL,
    -- Slots handed out.
    used    INTEGER NOT NULL,
    -- Slots that hold a resource.
    live    INTEGER NOT NULL
);
CREATE INDEX chunk_by_account ON chunk (account, type, no);

-- Which slots live, and the verdicts of all rules of a chunk: bits, in one row of fixed size.
CREATE TABLE planes (
    chunk INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

-- key = chunk << 12 | slot: a chunk's bodies lie one behind the other.
CREATE TABLE resource (
    key     INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    body    BLOB    NOT NULL
);

-- By a 64-bit keyed hash of account and id; the id itself is compared in the row.
CREATE TABLE resource_by_id (
    hash INTEGER NOT NULL,
    key  INTEGER NOT NULL,
    PRIMARY KEY (hash, key)
) WITHOUT ROWID;

-- Says where, not what: bring every rule of this chunk to its current mark.
CREATE TABLE ticket (
    chunk      INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL
);

CREATE TABLE reported_result (
    rule             INTEGER NOT NULL,
    key              INTEGER NOT NULL,
    evaluation_hash  TEXT    NOT NULL,
    evaluation_time  INTEGER NOT NULL,
    compliance_state TEXT    NOT NULL,
    PRIMARY KEY (rule, key)
) WITHOUT ROWID;
CREATE INDEX reported_result_by_key ON reported_result (key);

CREATE TABLE daily_statistics (
    account                   INTEGER NOT NULL,
    day                       INTEGER NOT NULL,
    resources                 INTEGER NOT NULL,
    non_compliant_resources   INTEGER NOT NULL,
    assignments               INTEGER NOT NULL,
    non_compliant_assignments INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;

CREATE TABLE import_session (
    id      TEXT    PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (no),
    source  TEXT    NOT NULL,
    closed  INTEGER NOT NULL,
    format  INTEGER NOT NULL DEFAULT 1,
    body    TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX import_session_by_source ON import_session (account, source) WHERE closed = 0;

-- Slots that an import which replaces a type has met.
CREATE TABLE import_seen (
    session TEXT    NOT NULL,
    chunk   INTEGER NOT NULL,
    slots   BLOB    NOT NULL,
    PRIMARY KEY (session, chunk)
) WITHOUT ROWID;
