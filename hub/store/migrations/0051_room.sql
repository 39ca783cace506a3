-- Rooms: teams that may be rung, rings and who was called, who was there, and what happened.

CREATE TABLE team (
    team_id      text PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('chest_pain', 'stroke', 'trauma', 'paediatrics', 'other')),
    organisation text NOT NULL
);

-- Those of one step ring together; the next step rings when nobody of this one joined.
CREATE TABLE team_member (
    team_id  text NOT NULL REFERENCES team ON DELETE CASCADE,
    username text NOT NULL REFERENCES account ON DELETE CASCADE,
    step     integer NOT NULL CHECK (step BETWEEN 0 AND 20),
    PRIMARY KEY (team_id, username)
);

CREATE TABLE ring (
    ring_id           uuid PRIMARY KEY,
    encounter_id      uuid NOT NULL REFERENCES encounter,
    unit              text NOT NULL REFERENCES unit,
    target            text NOT NULL,
    asked_by          text NOT NULL,
    asked_utc_us      bigint NOT NULL,
    eta_utc_us        bigint,
    state             text NOT NULL CHECK (state IN
        ('ringing', 'answered', 'unanswered', 'cancelled', 'expired')),
    step              integer NOT NULL,
    step_until_utc_us bigint NOT NULL
);

CREATE INDEX ring_due ON ring (step_until_utc_us) WHERE state = 'ringing';
CREATE INDEX ring_by_encounter ON ring (encounter_id, asked_utc_us);

CREATE TABLE ring_call (
    ring_id      uuid NOT NULL REFERENCES ring,
    username     text NOT NULL,
    name         text NOT NULL,
    organisation text NOT NULL,
    step         integer NOT NULL,
    state        text NOT NULL CHECK (state IN
        ('waiting', 'ringing', 'answered', 'declined', 'timed_out', 'not_needed')),
    rung_utc_us  bigint,
    ended_utc_us bigint,
    PRIMARY KEY (ring_id, username)
);

CREATE INDEX ring_call_of ON ring_call (username) WHERE state IN ('ringing', 'timed_out');

CREATE TABLE seat (
    encounter_id  uuid NOT NULL REFERENCES encounter,
    subject       text NOT NULL,
    name          text NOT NULL,
    organisation  text NOT NULL,
    role          text NOT NULL CHECK (role IN ('doctor', 'guest')),
    joined_utc_us bigint NOT NULL,
    left_utc_us   bigint,
    why           text CHECK (why IN ('closed', 'lost', 'ended', 'revoked')),
    PRIMARY KEY (encounter_id, subject, joined_utc_us)
);

CREATE UNIQUE INDEX seat_held ON seat (encounter_id, subject) WHERE left_utc_us IS NULL;

-- Everything that happened in a room and is not advice (that has its own changes).
CREATE TABLE room_event (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    encounter_id uuid NOT NULL REFERENCES encounter,
    at_utc_us    bigint NOT NULL,
    kind         text NOT NULL,
    by_whom      text,
    facts        jsonb NOT NULL,
    key          text,                      -- of one that may be told twice
    UNIQUE (encounter_id, key)
);

CREATE INDEX room_event_by_encounter ON room_event (encounter_id, at_utc_us);

-- Which list of teams and doctors a unit was last told (SHA-256 of it).
CREATE TABLE directory_told (
    unit   text PRIMARY KEY REFERENCES unit,
    digest bytea NOT NULL
);
