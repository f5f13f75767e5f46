-- Functions of custom rules, and the calls that wait for them.

CREATE TABLE function (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    -- The account that it serves; NULL for all.
    account       INTEGER REFERENCES account (no),
    urn           TEXT    NOT NULL,
    format        INTEGER NOT NULL DEFAULT 1,
    body          TEXT    NOT NULL,
    sealed_secret BLOB,
    calls         INTEGER NOT NULL DEFAULT 0,
    repeated      INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    accepted      INTEGER NOT NULL DEFAULT 0,
    refused       INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX function_by_urn ON function (ifnull(account, 0), urn);

-- One event that a function is to be called for; at most one of a rule and a subject: a newer one
-- takes its place.
CREATE TABLE function_job (
    no       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  INTEGER NOT NULL,
    rule     INTEGER NOT NULL,
    key      INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    run      INTEGER,
    -- 0 waiting, 1 running, 2 called (runs elsewhere), 3 dead.
    state    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    words    TEXT,
    output   TEXT,
    UNIQUE (rule, key)
);
-- Whoever takes jobs goes round accounts and rules by leaps in this index.
CREATE INDEX function_job_queue ON function_job (state, account, rule, due, no);
CREATE INDEX function_job_by_key ON function_job (key);
CREATE INDEX function_job_called ON function_job (due) WHERE state = 2;
CREATE INDEX function_job_dead ON function_job (account, no) WHERE state = 3;
CREATE INDEX function_job_of_rule ON function_job (rule, state);

-- A run of a custom rule that is still making its jobs: how far it came.
CREATE TABLE function_expansion (
    rule    INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    run     INTEGER NOT NULL,
    -- The resources up to this key have their jobs.
    after   INTEGER NOT NULL,
    -- Resources that changed later have jobs of their own.
    started INTEGER NOT NULL
);

ALTER TABLE evaluation_run ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evaluation_run ADD COLUMN calls_done INTEGER NOT NULL DEFAULT 0;
