-- What accounts configured of their recorder. `account.recorder_enabled` says whether there is one.
CREATE TABLE tracker_config (
    account     INTEGER PRIMARY KEY REFERENCES account (no),
    -- The recorded types as a JSON list; NULL is all of them.
    types       TEXT,
    format      INTEGER NOT NULL DEFAULT 1,
    -- NULL while the recorder is off.
    body        TEXT,
    -- Changes made on a UTC day: there is a quota of them.
    changed_day INTEGER NOT NULL DEFAULT 0,
    changes     INTEGER NOT NULL DEFAULT 0
);
INSERT INTO tracker_config (account, body)
    SELECT no, '{"channel":{"smn":null,"obs":null},"selection":null,"retention_period_in_days":2557,"agency_name":"rms_tracker_agency"}'
    FROM account WHERE recorder_enabled = 1;

-- Messages on their way. A row goes when it was delivered, and archived where that is wanted.
CREATE TABLE notification (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (no),
    topic         TEXT    NOT NULL,
    -- Messages about the same thing are delivered one after the other.
    subject       TEXT    NOT NULL,
    -- `provider.type` by which it is archived; NULL where it is not.
    archive       TEXT,
    created       INTEGER NOT NULL,
    -- waiting, delivered or dead.
    delivery      TEXT    NOT NULL,
    body          BLOB    NOT NULL
);
CREATE INDEX notification_to_deliver ON notification (account, topic, no) WHERE delivery = 'waiting';
CREATE INDEX notification_dead ON notification (account, topic, no) WHERE delivery = 'dead';
CREATE INDEX notification_to_archive ON notification (account, archive, no) WHERE archive IS NOT NULL;

-- A topic that an account sends to, and how that goes.
CREATE TABLE delivery_lane (
    account        INTEGER NOT NULL REFERENCES account (no),
    topic          TEXT    NOT NULL,
    -- Not before.
    due            INTEGER NOT NULL DEFAULT 0,
    -- Failures since the last success.
    attempts       INTEGER NOT NULL DEFAULT 0,
    delivered      INTEGER NOT NULL DEFAULT 0,
    last_delivered INTEGER,
    last_failed    INTEGER,
    last_error     TEXT,
    PRIMARY KEY (account, topic)
) WITHOUT ROWID;

-- Archives of an account: when the next ones are due, the ones at hand, the last ones.
CREATE TABLE archive (
    account INTEGER PRIMARY KEY REFERENCES account (no),
    -- The earliest of all that is due; NULL for never.
    due     INTEGER,
    format  INTEGER NOT NULL DEFAULT 1,
    body    TEXT    NOT NULL
);
CREATE INDEX archive_by_due ON archive (due) WHERE due IS NOT NULL;

-- Verdicts that began or ended to be non-compliant and of which no message is written yet.
CREATE TABLE flip (
    no      INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (no),
    chunk   INTEGER NOT NULL,
    rule    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    -- Three bytes each: the slot, and the verdicts before and after.
    bytes   BLOB    NOT NULL
);
