-- Lists, counts and summaries of resources without reading resources.

-- Chunks of resources that the recorder does not cover hold what was last told of them: nothing
-- in them is judged.
ALTER TABLE chunk ADD COLUMN recorded INTEGER NOT NULL DEFAULT 1;
-- Slots of a recorded chunk of which something newer was told: a set of slots as bits.
ALTER TABLE chunk ADD COLUMN shadowed_slots BLOB NOT NULL DEFAULT x'';
-- Chunks of an older store come to their facets when it is opened.
ALTER TABLE chunk ADD COLUMN has_facets INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunk_to_catch_up ON chunk (account, no)
    WHERE (recorded = 0 AND live > 0) OR shadowed_slots <> x'';
CREATE INDEX chunk_without_facets ON chunk (no) WHERE has_facets = 0;

-- What resources of a type have in common, and how many have it.
CREATE TABLE facet (
    no      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (no),
    -- 1 region, 2 project, 3 enterprise project, 4 key of a tag, 5 key and value of a tag.
    kind    INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    -- The value of a tag; empty for the other kinds.
    value   TEXT    NOT NULL,
    type    INTEGER NOT NULL REFERENCES resource_type (no),
    -- Resources that are recorded.
    tracked INTEGER NOT NULL DEFAULT 0,
    -- Resources as they were last told.
    told    INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, kind, name, value, type)
);

-- Which slots of a chunk have a facet.
CREATE TABLE posting (
    facet INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    slots BLOB    NOT NULL,
    PRIMARY KEY (facet, chunk)
) WITHOUT ROWID;

-- By a 64-bit keyed hash of account and name; the name itself is compared in the body.
CREATE TABLE resource_by_name (
    hash INTEGER NOT NULL,
    key  INTEGER NOT NULL,
    PRIMARY KEY (hash, key)
) WITHOUT ROWID;
