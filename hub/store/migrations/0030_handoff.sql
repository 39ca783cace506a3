-- Hand-overs to hospitals: each waits here until the hospital has it.

CREATE TABLE handoff (
    handover_id     uuid PRIMARY KEY,
    encounter_id    uuid NOT NULL REFERENCES encounter,
    unit            text NOT NULL REFERENCES unit,
    hospital_id     text NOT NULL,
    signed_by       text NOT NULL,
    asked_utc_us    bigint NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'accepted', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    next_try_utc_us bigint NOT NULL,
    updated_utc_us  bigint NOT NULL,
    detail          text
);

CREATE INDEX handoff_by_encounter ON handoff (encounter_id, asked_utc_us);
CREATE INDEX handoff_waiting ON handoff (next_try_utc_us) WHERE state = 'queued';

-- Which list of hospitals a unit was last told (SHA-256 of it).
CREATE TABLE hospitals_told (
    unit   text PRIMARY KEY REFERENCES unit,
    digest bytea NOT NULL
);
