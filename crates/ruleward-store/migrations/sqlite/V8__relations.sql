-- Which resources name which: the way back from what a body names to that body. What a body names
-- is derived from it and not stored.

-- target = a 64-bit keyed hash of account, type and id (or another name) of what is named.
CREATE TABLE relation (
    target INTEGER NOT NULL,
    -- The resource whose body names it.
    key    INTEGER NOT NULL,
    -- The version from which on it does.
    since  INTEGER NOT NULL,
    PRIMARY KEY (target, key)
) WITHOUT ROWID;

-- The same for what was named once.
CREATE TABLE relation_past (
    target  INTEGER NOT NULL,
    key     INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    -- The version from which on it was not named any more.
    until   INTEGER NOT NULL,
    account INTEGER NOT NULL,
    -- The id of the resource at `key`, which may be gone.
    id      TEXT    NOT NULL,
    PRIMARY KEY (target, key, since)
) WITHOUT ROWID;
CREATE INDEX relation_past_by_until ON relation_past (account, until);
