-- What was when, and because of what.

-- A write job that changed resources, verdicts or rules. What carries a later time, up to the next
-- change of the account, belongs to it.
CREATE TABLE change (
    account INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    -- What it was, who asked for it and with which request.
    cause   TEXT    NOT NULL,
    PRIMARY KEY (account, at)
) WITHOUT ROWID;

-- Verdicts of a chunk that flipped: the bits in which its planes differ before and after.
CREATE TABLE transition (
    no    INTEGER PRIMARY KEY,
    chunk INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    bytes BLOB    NOT NULL
);
CREATE INDEX transition_by_chunk ON transition (chunk, at);

-- The planes of a chunk as they once stood before a change: from there, not from now, a look
-- back goes.
CREATE TABLE planes_checkpoint (
    no    INTEGER PRIMARY KEY,
    chunk INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    bytes BLOB    NOT NULL
);
CREATE INDEX planes_checkpoint_by_chunk ON planes_checkpoint (chunk, at);
-- The day, since the epoch, of the chunk's last checkpoint.
ALTER TABLE chunk ADD COLUMN checkpoint INTEGER NOT NULL DEFAULT 0;

-- When the resource came to its place.
ALTER TABLE resource ADD COLUMN created INTEGER NOT NULL DEFAULT 0;

-- Bodies that were replaced.
CREATE TABLE resource_version (
    no      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    -- The version that replaced it.
    until   INTEGER NOT NULL,
    body    BLOB    NOT NULL
);
CREATE INDEX resource_version_by_key ON resource_version (key, version);
CREATE INDEX resource_version_by_until ON resource_version (account, until);

-- Resources that are gone. A place is never given to another resource.
CREATE TABLE past_resource (
    key     INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    body    BLOB    NOT NULL
);
CREATE INDEX past_resource_by_deleted ON past_resource (account, deleted);
CREATE TABLE past_resource_by_id (
    hash INTEGER NOT NULL,
    key  INTEGER NOT NULL,
    PRIMARY KEY (hash, key)
) WITHOUT ROWID;

-- Rules as they stood from a moment on; no body where the rule was deleted then.
CREATE TABLE policy_assignment_version (
    account INTEGER NOT NULL,
    rule    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT,
    PRIMARY KEY (account, rule, at)
) WITHOUT ROWID;

-- What was before is not kept any more, or never was: nobody can look back to it.
ALTER TABLE account ADD COLUMN past_begins INTEGER NOT NULL DEFAULT 0;

-- Of what is there already, the past begins now.
UPDATE account SET past_begins = CAST(strftime('%s', 'now') AS INTEGER) * 1000000;
UPDATE resource SET created = version;
INSERT INTO policy_assignment_version (account, rule, at, body)
    SELECT r.account, r.no, a.past_begins, r.body
    FROM policy_assignment r JOIN account a ON a.no = r.account;
