-- Pictures that doctors drew on for the crew; each belongs to an advice, which says what it is.

ALTER TABLE advice ADD COLUMN picture jsonb;

CREATE TABLE picture (
    advice_id    uuid PRIMARY KEY REFERENCES advice,
    encounter_id uuid NOT NULL REFERENCES encounter,
    jpeg         bytea NOT NULL CHECK (octet_length(jpeg) BETWEEN 1 AND 45056)
);

ALTER TABLE picture ALTER COLUMN jpeg SET STORAGE EXTERNAL;  -- it is compressed already
CREATE INDEX picture_by_encounter ON picture (encounter_id);
