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
