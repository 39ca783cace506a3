-- What vehicles found out of the time, once they knew it: these records were captured so much later.

CREATE TABLE clock_correction (
    unit         text   NOT NULL,
    journal      uuid   NOT NULL,
    stream       text   NOT NULL,
    first_seq    bigint NOT NULL,
    last_seq     bigint NOT NULL,
    add_us       bigint NOT NULL,
    error_us     bigint NOT NULL,
    noted_utc_us bigint NOT NULL,
    PRIMARY KEY (unit, journal, stream, first_seq)
);
