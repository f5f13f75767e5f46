-- A management account with its members, and the rules that it deploys to them.

CREATE TABLE organization (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    management INTEGER NOT NULL UNIQUE REFERENCES account (no),
    created    INTEGER NOT NULL
);

CREATE TABLE organization_unit (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    organization INTEGER NOT NULL REFERENCES organization (no),
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    parent       INTEGER REFERENCES organization_unit (no),
    created      INTEGER NOT NULL
);
CREATE UNIQUE INDEX organization_unit_by_name
    ON organization_unit (organization, ifnull(parent, 0), name);
CREATE INDEX organization_unit_by_parent ON organization_unit (parent);

CREATE TABLE organization_member (
    organization INTEGER NOT NULL REFERENCES organization (no),
    account      INTEGER NOT NULL REFERENCES account (no),
    unit         INTEGER REFERENCES organization_unit (no),
    state        TEXT    NOT NULL,
    -- Administers organization rules beside the management account.
    delegated    INTEGER NOT NULL,
    since        INTEGER NOT NULL,
    PRIMARY KEY (organization, account)
) WITHOUT ROWID;
-- Several may invite an account; it joins one.
CREATE UNIQUE INDEX organization_member_by_account
    ON organization_member (account) WHERE state <> 'invited';
CREATE INDEX organization_member_by_unit ON organization_member (unit) WHERE unit IS NOT NULL;

CREATE TABLE organization_policy_assignment (
    no           INTEGER PRIMARY KEY AUTOINCREMENT,
    organization INTEGER NOT NULL REFERENCES organization (no),
    owner        INTEGER NOT NULL REFERENCES account (no),
    id           TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    -- Stands only until no member has it any more; its name is free again.
    deleted      INTEGER NOT NULL,
    format       INTEGER NOT NULL DEFAULT 1,
    body         TEXT    NOT NULL
);
CREATE UNIQUE INDEX organization_policy_assignment_by_name
    ON organization_policy_assignment (organization, name) WHERE deleted = 0;
CREATE INDEX organization_policy_assignment_by_organization
    ON organization_policy_assignment (organization, no);

-- An organization rule in one member: the queue of what is to be done, and what became of it.
CREATE TABLE organization_deployment (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    rule          INTEGER NOT NULL REFERENCES organization_policy_assignment (no),
    account       INTEGER NOT NULL REFERENCES account (no),
    status        TEXT    NOT NULL,
    -- The member's own rule.
    assignment    INTEGER,
    assignment_id TEXT,
    error_code    TEXT,
    error_message TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    -- When it is to be worked on, zero for at once; NULL where all is as it should be.
    due           INTEGER,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    UNIQUE (rule, account)
);
CREATE INDEX organization_deployment_by_due
    ON organization_deployment (due, account, no) WHERE due IS NOT NULL;
CREATE INDEX organization_deployment_by_account ON organization_deployment (account);

-- Whether a rule's verdicts count, where sums over many rules find it without reading bodies.
ALTER TABLE policy_assignment ADD COLUMN judges INTEGER NOT NULL DEFAULT 1;
UPDATE policy_assignment SET judges = 0 WHERE json_extract(body, '$.state') = 'Disabled';
