-- A record's key in the order in which records are read: of one unit and stream, by captured time. One
-- index in the place of two, and it has the same columns: a record is stored once, as before.
ALTER TABLE record DROP CONSTRAINT record_pkey;
ALTER TABLE record ADD PRIMARY KEY (unit, stream, captured_utc_us, journal, seq);
DROP INDEX record_by_time;
