-- Orders of drugs beside words of advice: read back, confirmed, given; and what a doctor takes back.

ALTER TABLE advice DROP CONSTRAINT advice_state_check;
ALTER TABLE advice ADD CONSTRAINT advice_state_check CHECK (state IN
    ('sent', 'delivered', 'seen', 'read_back', 'confirmed', 'administered', 'declined', 'expired',
     'lapsed', 'withdrawn'));
ALTER TABLE advice
    ADD COLUMN medication            jsonb,
    ADD COLUMN presumed              boolean NOT NULL DEFAULT false,  -- expired by the hub's word alone
    ADD COLUMN withdraw_asked_utc_us bigint,
    ADD COLUMN administered_utc_us   bigint,
    ADD COLUMN administered_dose     double precision;

-- what was called expired before may yet be answered by a vehicle that was away
UPDATE advice SET presumed = true WHERE state = 'expired';

DROP INDEX advice_waiting;
CREATE INDEX advice_waiting ON advice (expires_utc_us)
    WHERE state IN ('sent', 'delivered', 'seen', 'read_back');

ALTER TABLE advice_change ADD COLUMN detail text;
