-- A hand-over is given up a day after the hub heard of it, however long the vehicle was silent.
ALTER TABLE handoff ADD COLUMN queued_utc_us bigint;
UPDATE handoff SET queued_utc_us = asked_utc_us;
ALTER TABLE handoff ALTER COLUMN queued_utc_us SET NOT NULL;

CREATE INDEX handoff_by_change ON handoff (updated_utc_us);
