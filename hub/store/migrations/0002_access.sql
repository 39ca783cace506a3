-- People, their sessions, and the record of what they did and saw.

CREATE TABLE account (
    username        text PRIMARY KEY,
    display_name    text NOT NULL,
    role            text NOT NULL CHECK (role IN ('crew', 'doctor', 'operator', 'administrator')),
    organisation    text NOT NULL,
    password_argon2 text NOT NULL,
    created_utc_us  bigint NOT NULL,
    disabled_utc_us bigint
);

CREATE TABLE session (
    token_sha256   bytea PRIMARY KEY,
    username       text NOT NULL REFERENCES account ON DELETE CASCADE,
    created_utc_us bigint NOT NULL,
    expires_utc_us bigint NOT NULL
);

CREATE INDEX session_by_expiry ON session (expires_utc_us);

-- Each row's hash covers the row before it: what was taken out or changed afterwards shows.
CREATE TABLE audit (
    number      bigint PRIMARY KEY,
    at_utc_us   bigint NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('done', 'refused')),
    facts       jsonb NOT NULL,
    hash        bytea NOT NULL
);
