-- Bodies that were replaced, by the moment at which they were: what is new goes to the end. No two
-- resources change at the same moment. The version of a row is the moment of the one before it of the
-- same resource, so from what a place holds now the way goes back from row to row. What a write job of
-- an account replaced stands together, behind the moment of the job's change.
CREATE TABLE past_version (
    until   INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body    BLOB    NOT NULL
);
INSERT OR IGNORE INTO past_version (until, account, key, version, body)
    SELECT until, account, key, version, body FROM resource_version ORDER BY until;

-- Some of them by their resource, so that the way back never begins far away. An index of all would
-- take a page of its own with every change.
CREATE TABLE past_version_mark (
    key   INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (key, until)
) WITHOUT ROWID;
INSERT INTO past_version_mark (key, until) SELECT key, until FROM past_version ORDER BY key, until;

DROP TABLE resource_version;
