-- Numbers that move with changes of resources lie close together, apart from what they count: a resource
-- that comes or goes moves those of all its rules and facets, and each page of them is written.

CREATE TABLE policy_assignment_count (
    account       INTEGER NOT NULL,
    rule          INTEGER NOT NULL,
    compliant     INTEGER NOT NULL DEFAULT 0,
    non_compliant INTEGER NOT NULL DEFAULT 0,
    undetermined  INTEGER NOT NULL DEFAULT 0,
    exempt        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, rule)
) WITHOUT ROWID;
INSERT INTO policy_assignment_count (account, rule, compliant, non_compliant, undetermined, exempt)
    SELECT account, no, compliant, non_compliant, undetermined, exempt
    FROM policy_assignment ORDER BY account, no;
ALTER TABLE policy_assignment DROP COLUMN compliant;
ALTER TABLE policy_assignment DROP COLUMN non_compliant;
ALTER TABLE policy_assignment DROP COLUMN undetermined;
ALTER TABLE policy_assignment DROP COLUMN exempt;

CREATE TABLE facet_count (
    facet   INTEGER PRIMARY KEY,
    -- Resources that are recorded.
    tracked INTEGER NOT NULL,
    -- Resources as they were last told.
    told    INTEGER NOT NULL
);
INSERT INTO facet_count (facet, tracked, told) SELECT no, tracked, told FROM facet ORDER BY no;
ALTER TABLE facet DROP COLUMN tracked;
ALTER TABLE facet DROP COLUMN told;
