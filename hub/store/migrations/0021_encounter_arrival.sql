-- After an outage a vehicle's newest records arrive before its older ones: an encounter may be heard
-- to close before it was heard to open, or the next one to open before the last has closed.

-- The next patient's opening ended it; the vehicle's own word on when, once it arrives, stands.
ALTER TABLE encounter ADD COLUMN close_implied boolean NOT NULL DEFAULT false;

CREATE TABLE encounter_early_close (
    encounter_id  uuid PRIMARY KEY,
    unit          text NOT NULL REFERENCES unit,
    closed_utc_us bigint NOT NULL
);
