-- Units, what they sent, and how far each stream has been received.

CREATE TABLE unit (
    unit            text PRIMARY KEY,
    call_sign       text NOT NULL,
    profile         text NOT NULL CHECK (profile IN ('ambulance', 'patrol')),
    organisation    text NOT NULL,
    password_bcrypt text NOT NULL,
    order_journal   uuid NOT NULL DEFAULT gen_random_uuid(),
    light           boolean NOT NULL DEFAULT false,
    presence        jsonb,
    enrolled_utc_us bigint NOT NULL,
    revoked_utc_us  bigint
);

-- A record's captured time never changes, so it may be part of the key, as a partition by time asks.
-- What keeps a record from being stored twice is the ledger, written in the same transaction.
CREATE SEQUENCE record_arrival;

CREATE TABLE record (
    unit            text     NOT NULL,
    journal         uuid     NOT NULL,
    stream          text     NOT NULL,
    seq             bigint   NOT NULL,
    captured_utc_us bigint   NOT NULL,
    clock           text     NOT NULL,
    clock_error_us  bigint,
    received_utc_us bigint   NOT NULL,
    lane            smallint NOT NULL,
    understood      boolean  NOT NULL,
    body            bytea    NOT NULL,
    transaction     xid8     NOT NULL DEFAULT pg_current_xact_id(),
    arrival         bigint   NOT NULL DEFAULT nextval('record_arrival'),
    PRIMARY KEY (unit, journal, stream, seq, captured_utc_us)
) PARTITION BY RANGE (captured_utc_us);

CREATE TABLE record_other PARTITION OF record DEFAULT;

CREATE INDEX record_by_time ON record (unit, stream, captured_utc_us);

-- Low-rate streams are followed by the parts of the hub that act on them, in the order in which they
-- became visible: an arrival number alone may be committed after a higher one, by another worker.
CREATE INDEX record_to_follow ON record (transaction, arrival)
    WHERE stream IN ('alarm', 'status', 'triage', 'chart', 'ack');

CREATE TABLE stream_ledger (
    unit                 text   NOT NULL,
    journal              uuid   NOT NULL,
    stream               text   NOT NULL,
    watermark            bigint NOT NULL,
    ranges               jsonb  NOT NULL,
    last_received_utc_us bigint NOT NULL,
    PRIMARY KEY (unit, journal, stream)
);

CREATE TABLE gap (
    unit                  text   NOT NULL,
    journal               uuid   NOT NULL,
    stream                text   NOT NULL,
    first_seq             bigint NOT NULL,
    last_seq              bigint NOT NULL,
    reason                text   NOT NULL,
    first_captured_utc_us bigint,
    last_captured_utc_us  bigint,
    noted_utc_us          bigint NOT NULL,
    PRIMARY KEY (unit, journal, stream, first_seq)
);

CREATE TABLE follower (
    name        text PRIMARY KEY,
    transaction xid8   NOT NULL,
    arrival     bigint NOT NULL
);

CREATE TABLE order_outbox (
    unit             text   NOT NULL REFERENCES unit,
    seq              bigint NOT NULL,
    order_id         uuid   NOT NULL UNIQUE,
    kind             text   NOT NULL,
    body             bytea  NOT NULL,
    created_utc_us   bigint NOT NULL,
    expires_utc_us   bigint NOT NULL,
    delivered_utc_us bigint,
    PRIMARY KEY (unit, seq)
);
