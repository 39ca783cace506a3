-- Records that a vehicle salvaged from a damaged journal, by the names under which they were accepted
-- first: the same record may come by either name, in any order, and is stored once.

CREATE TABLE salvaged (
    unit    text   NOT NULL,
    journal uuid   NOT NULL,
    stream  text   NOT NULL,
    seq     bigint NOT NULL,
    PRIMARY KEY (unit, journal, stream, seq)
);

-- An open gap: how much is missing after its last seq is not known.
ALTER TABLE gap ADD COLUMN is_open boolean NOT NULL DEFAULT false;
