-- Guests: each link opens one encounter, for a while, and can be taken back.

CREATE TABLE guest (
    guest_id        uuid PRIMARY KEY,
    encounter_id    uuid NOT NULL REFERENCES encounter,
    name            text NOT NULL,
    token_sha256    bytea NOT NULL UNIQUE,     -- a stolen table opens nothing
    invited_by      text NOT NULL,
    created_utc_us  bigint NOT NULL,
    expires_utc_us  bigint NOT NULL,
    revoked_utc_us  bigint,
    opened_utc_us   bigint                     -- when the link was first used
);

CREATE INDEX guest_by_encounter ON guest (encounter_id, created_utc_us);
