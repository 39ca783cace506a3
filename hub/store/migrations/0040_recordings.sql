-- Segments of a vehicle's cameras: their bytes are files beside the database.

CREATE TABLE recording (
    unit             text NOT NULL REFERENCES unit,
    segment          text NOT NULL,
    camera           text NOT NULL,
    encounter_id     uuid,                     -- as the vehicle knows it
    first_utc_us     bigint NOT NULL,
    last_utc_us      bigint NOT NULL,
    size_bytes       bigint NOT NULL,
    sha256           text NOT NULL,
    announced_utc_us bigint NOT NULL,
    completed_utc_us bigint,                   -- null: not all of its bytes are here
    PRIMARY KEY (unit, segment)
);

CREATE INDEX recording_by_time ON recording (unit, first_utc_us) WHERE completed_utc_us IS NOT NULL;
CREATE INDEX recording_partial ON recording (unit, announced_utc_us) WHERE completed_utc_us IS NULL;
