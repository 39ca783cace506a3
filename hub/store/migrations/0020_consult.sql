-- Encounters, and the advice given in them.

CREATE TABLE encounter (
    encounter_id  uuid PRIMARY KEY,
    unit          text NOT NULL REFERENCES unit,
    opened_utc_us bigint NOT NULL,
    opened_by     text NOT NULL,              -- a person's name, or unit:ID for the crew
    run_id        text,
    closed_utc_us bigint
);

-- A unit has one patient in its care.
CREATE UNIQUE INDEX encounter_open ON encounter (unit) WHERE closed_utc_us IS NULL;
CREATE INDEX encounter_by_unit ON encounter (unit, opened_utc_us);

-- Vehicle and doctor may open one at the same time, each with an id of its own.
CREATE TABLE encounter_alias (
    alias         uuid PRIMARY KEY,
    encounter_id  uuid NOT NULL REFERENCES encounter,
    opened_utc_us bigint NOT NULL
);

CREATE TABLE advice (
    advice_id       uuid PRIMARY KEY,          -- also the id of the order that carries it
    encounter_id    uuid NOT NULL REFERENCES encounter,
    unit            text NOT NULL REFERENCES unit,
    text            text NOT NULL,
    given_by        text NOT NULL,
    given_utc_us    bigint NOT NULL,
    expires_utc_us  bigint NOT NULL,
    state           text NOT NULL CHECK (state IN
        ('sent', 'delivered', 'seen', 'confirmed', 'declined', 'expired')),
    answered_utc_us bigint,
    answered_by     text,
    reason          text,
    read_back       text
);

CREATE INDEX advice_by_encounter ON advice (encounter_id, given_utc_us);
CREATE INDEX advice_waiting ON advice (expires_utc_us) WHERE state IN ('sent', 'delivered', 'seen');

-- Every state that an advice was ever in, as the vehicle and the hub's clock told it.
CREATE TABLE advice_change (
    advice_id uuid NOT NULL REFERENCES advice,
    state     text NOT NULL,
    at_utc_us bigint NOT NULL,
    by_whom   text,
    PRIMARY KEY (advice_id, state, at_utc_us)
);
