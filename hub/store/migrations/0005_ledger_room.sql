-- A ledger's row is written with every batch: with room left on its page the new one stands beside
-- the old, and the index is not touched.
ALTER TABLE stream_ledger SET (fillfactor = 50);
