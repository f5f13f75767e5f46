-- Where the next resource of a type goes, looked up with every change: of many chunks the last one
-- that is recorded, or the last one that is not, of which there is mostly none.
CREATE INDEX chunk_recorded ON chunk (account, type, no) WHERE recorded = 1;
CREATE INDEX chunk_told ON chunk (account, type, no) WHERE recorded = 0;
