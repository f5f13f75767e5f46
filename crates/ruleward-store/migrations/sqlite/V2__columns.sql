-- What rules read of the resources of a chunk, kept beside it.

-- The first so many slots of the chunk are in its columns, but for those that changed since they
-- were written: a set of slots as bits.
ALTER TABLE chunk ADD COLUMN column_slots INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN stale_slots BLOB NOT NULL DEFAULT x'';

-- Which columns there are: their ids, in the order of their places.
CREATE TABLE column_directory (
    chunk INTEGER PRIMARY KEY,
    ids   BLOB NOT NULL
);

-- key = chunk << 12 | place.
CREATE TABLE resource_column (
    key   INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);
