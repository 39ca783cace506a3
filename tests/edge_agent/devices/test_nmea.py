"""NMEA without a wire: sentences, epochs, hostile bytes, and captured logs of real receivers."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.epoch import Epoch, EpochMerger
from edge_agent.devices.nmea import LONGEST_BYTES, SentenceSplitter, read_sentence
from edge_agent.devices.reasons import Reason
from edge_agent.vehicle_clock import Stamp
from protocols.clock import ClockSource
from protocols.errors import RemoteProtocolError
from protocols.messages import FixQuality, Position

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "nmea"
LOGS = sorted(DATA.glob("*.log"))
NOW = Stamp(1_800_000_000_000_000, ClockSource.RTC, None)

RMC = b"GNRMC,055234.000,A,4739.71890,N,12219.58362,W,10.00,286.35,050826,,,A,V"
GGA = b"GNGGA,055234.000,4739.71895,N,12219.58367,W,2,12,0.54,83.1,M,-29.5,M,,"


def signed(body: bytes) -> bytes:
    checksum = 0
    for byte in body:
        checksum ^= byte
    return b"$" + body + b"*%02X" % checksum


def heard(data: bytes, *, chunk: int = 1 << 20) -> tuple[list[Epoch], list[Reason]]:
    """Return the epochs and the reasons that `data` leads to, the last epoch flushed."""
    splitter, merger = SentenceSplitter(), EpochMerger()
    epochs: list[Epoch] = []
    reasons: list[Reason] = []
    for at in range(0, len(data), chunk):
        for item in splitter.feed(data[at : at + chunk]):
            if isinstance(item, Reason):
                reasons.append(item)
                continue
            try:
                sentence = read_sentence(item)
            except RemoteProtocolError as err:
                reasons.append(Reason(str(err.facts["reason"])))
                continue
            if sentence is not None:
                reasons.extend(sentence.rejected)
                epochs += merger.take(sentence, NOW)
    return epochs + merger.flush(), reasons


def positions(*bodies: bytes) -> list[Position]:
    epochs, _ = heard(b"".join(signed(body) + b"\r\n" for body in bodies))
    return [epoch.position for epoch in epochs if epoch.position is not None]


def refusal(body: bytes) -> Reason:
    with pytest.raises(RemoteProtocolError) as caught:
        read_sentence(signed(body))
    return Reason(str(caught.value.facts["reason"]))


def test_rmc_and_gga_of_one_moment_make_one_position() -> None:
    (position,) = positions(RMC, GGA)
    assert position.latitude_deg == pytest.approx(47 + 39.71895 / 60, abs=1e-9)
    assert position.longitude_deg == pytest.approx(-122 - 19.58367 / 60, abs=1e-9)
    assert position.speed_mps == pytest.approx(5.144, abs=0.001)
    assert position.heading_deg == 286.35
    assert (position.fix, position.satellites) == (FixQuality.DIFFERENTIAL, 12)
    assert (position.hdop, position.altitude_m) == (0.54, 83.1)


def test_rmc_alone_and_gga_alone_are_positions_too() -> None:
    (by_rmc,), (by_gga,) = positions(RMC), positions(GGA)
    assert (by_rmc.satellites, by_rmc.fix) == (None, FixQuality.AUTONOMOUS)
    assert (by_gga.speed_mps, by_gga.fix) == (None, FixQuality.DIFFERENTIAL)


@pytest.mark.parametrize("talker", [b"GP", b"GN", b"GL", b"GA", b"GB", b"BD", b"GQ"])
def test_any_talker_is_heard(talker: bytes) -> None:
    assert len(positions(talker + RMC[2:], talker + GGA[2:])) == 1


def test_gns_stands_in_for_gga_and_vtg_for_the_motion_of_rmc() -> None:
    rmc = b"GNRMC,055234.00,A,4739.71890,N,12219.58362,W,,,050826,,,A"
    gns = b"GNGNS,055234.00,4739.71890,N,12219.58362,W,AND,09,0.7,12.0,-5.0,,"
    (position,) = positions(gns, b"GPVTG,90.0,T,,M,20.000,N,37.04,K,A", rmc)
    assert (position.satellites, position.altitude_m) == (9, 12.0)
    assert position.fix is FixQuality.DIFFERENTIAL
    assert position.speed_mps == pytest.approx(10.289, abs=0.001)
    assert position.heading_deg == 90.0


def test_one_sentence_that_denies_the_fix_outweighs_one_that_claims_it() -> None:
    void = RMC.replace(b",A,4739", b",V,4739")
    assert positions(void, GGA) == []
    assert positions(RMC, GGA.replace(b",W,2,", b",W,0,")) == []


@pytest.mark.parametrize(
    ("gga", "fix"),
    [(b"1", "autonomous"), (b"2", "differential"), (b"3", "autonomous"), (b"4", "rtk_fixed"),
     (b"5", "rtk_float"), (b"6", "estimated"), (b"7", "simulated"), (b"8", "simulated")],
)  # fmt: skip
def test_the_quality_is_what_the_receiver_says(gga: bytes, fix: str) -> None:
    (position,) = positions(RMC, GGA.replace(b",W,2,", b",W," + gga + b","))
    assert position.fix == fix


def test_a_receiver_that_says_simulated_anywhere_is_believed() -> None:
    (position,) = positions(RMC.replace(b",A,V", b",S,V"), GGA)
    assert position.fix is FixQuality.SIMULATED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (RMC.replace(b"4739.71890,N", b"4739.71890,"), Reason.BAD_VALUE),
        (RMC.replace(b"4739", b"4799"), Reason.BAD_VALUE),
        (RMC.replace(b"4739", b"9939"), Reason.OUT_OF_RANGE),
        (RMC.replace(b"12219", b"18119"), Reason.OUT_OF_RANGE),
        (RMC.replace(b"4739", b"-739"), Reason.BAD_VALUE),
        (RMC.replace(b"4739.71890", b"nan"), Reason.BAD_VALUE),
        (RMC.replace(b"4739.71890", b"4_39.7"), Reason.BAD_VALUE),
        (RMC.replace(b",A,4739", b",Q,4739"), Reason.BAD_VALUE),
        (GGA.replace(b",W,2,", b",W,9,"), Reason.BAD_VALUE),
        (GGA.replace(b"4739.71895", b"0000.0").replace(b"12219.58367", b"00000.0"),
         Reason.ZERO_POSITION),
        (b"GPXYZ,1,2", Reason.UNKNOWN_SENTENCE),
        (b"PQGSV,1,2", Reason.UNKNOWN_SENTENCE),
        (b"PMTK001,314,3", Reason.UNKNOWN_SENTENCE),
        (b"GYOACC,1", Reason.UNKNOWN_SENTENCE),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_refused_with_its_reason(body: bytes, reason: Reason) -> None:
    assert refusal(body) is reason


def test_zda_tells_the_time_and_nothing_else() -> None:
    said = read_sentence(signed(b"GNZDA,223745.50,11,07,2020,00,00"))
    assert said is not None
    assert (said.utc_us, said.has_fix) == (1_594_507_065_500_000, False)
    unset = read_sentence(signed(b"GNZDA,,,,,00,00"))
    assert unset is not None
    assert unset.utc_us is None
    assert refusal(b"GNZDA,223745.50,31,02,2020,00,00") is Reason.BAD_VALUE


def test_an_impossible_speed_costs_the_speed_and_not_the_position() -> None:
    epochs, reasons = heard(
        signed(RMC.replace(b"10.00", b"9999.0")) + b"\r\n" + signed(GGA) + b"\n"
    )
    assert epochs[0].position is not None
    assert epochs[0].position.speed_mps is None
    assert reasons == [Reason.OUT_OF_RANGE]


def test_damage_on_the_wire_is_counted_by_its_kind() -> None:
    good = signed(RMC) + b"\r\n"
    data = (
        b"\xb5\x62\x01\x07\x00" + good                       # binary before a sentence
        + good[:30] + good                                   # broken off, the next follows
        + good.replace(b"*", b"*5", 1) + b"\r\n"             # a checksum of three digits
        + signed(RMC)[:-2] + b"00\r\n"                       # the wrong checksum
        + b"$" + b"A" * 3_000 + b"\r\n" + good               # far too long
    )  # fmt: skip
    epochs, reasons = heard(data)
    assert len(epochs) == 1
    assert sorted(reasons) == [
        Reason.BAD_CHECKSUM, Reason.GARBAGE, Reason.INCOMPLETE, Reason.INCOMPLETE, Reason.TOO_LONG,
    ]  # fmt: skip


@given(data=st.binary(max_size=3_000), chunk=st.integers(1, 700))
def test_the_splitter_holds_little_and_loses_no_sentence_after_noise(
    data: bytes, chunk: int
) -> None:
    splitter = SentenceSplitter()
    for at in range(0, len(data), chunk):
        list(splitter.feed(data[at : at + chunk]))
        assert len(splitter._rest) <= LONGEST_BYTES
    assert signed(GGA) in list(splitter.feed(b"\r\n" + signed(GGA) + b"\r\n"))


_field = st.one_of(
    st.sampled_from(["", "A", "V", "N", "S", "E", "W", "0", "1", "4739.71890", "12219.58", "9999.9",
                     "nan", "inf", "1e9", "-1", "055234.00", "250000.00", "050826", "999999"]),
    st.text(st.characters(codec="latin-1", exclude_characters="$*\r\n"), max_size=12),
)  # fmt: skip
_sentence = st.builds(
    lambda kind, fields: signed(",".join([kind, *fields]).encode("latin-1")),
    st.sampled_from(["GNRMC", "GPGGA", "GNGNS", "BDVTG", "GPGLL", "PABCD"]),
    st.lists(_field, max_size=16),
)


@given(
    lines=st.lists(st.one_of(_sentence, st.binary(max_size=90)), max_size=20),
    chunk=st.integers(1, 400),
)
def test_no_bytes_raise_and_no_position_is_out_of_range(lines: list[bytes], chunk: int) -> None:
    epochs, _ = heard(b"\r\n".join(lines), chunk=chunk)
    for epoch in epochs:
        if epoch.position is not None:
            assert Position.from_body(epoch.position.to_body()) == epoch.position
            assert (epoch.position.latitude_deg, epoch.position.longitude_deg) != (0, 0)


def _said(log: bytes) -> list[tuple[float, float]]:
    """Read a log another way: each moment's first GGA, else its RMC, unless one denies the fix."""
    by_gga: dict[bytes, tuple[float, float]] = {}
    by_rmc: dict[bytes, tuple[float, float]] = {}
    void: set[bytes] = set()
    for line in log.splitlines():
        match = re.fullmatch(rb"\$[A-Z]{2}(RMC|GGA),([\d.]*),(.*)\*[0-9A-F]{2}\s*", line)
        if match is None:
            continue
        kind, time, rest = match.groups()
        part = rest.split(b",")
        if (part[0] if kind == b"RMC" else part[4]) in {b"V", b"0", b""}:
            void.add(time)
        elif kind == b"GGA":
            by_gga.setdefault(time, (_degrees(part[0], part[1]), _degrees(part[2], part[3])))
        else:
            by_rmc.setdefault(time, (_degrees(part[1], part[2]), _degrees(part[3], part[4])))
    return [place for time, place in sorted((by_rmc | by_gga).items()) if time not in void]


def _degrees(text: bytes, side: bytes) -> float:
    whole, minutes = divmod(float(text), 100)
    return (whole + minutes / 60) * (-1 if side in {b"S", b"W"} else 1)


@pytest.mark.skipif(not LOGS, reason="shared/data/nmea is not here")
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
@pytest.mark.parametrize("chunk", [1 << 20, 61])
def test_a_captured_log_gives_exactly_the_positions_in_it(path: Path, chunk: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    log = b"".join(line for line in lines if not line.startswith(b"#"))  # the submitter's notes
    epochs, reasons = heard(log, chunk=chunk)
    found = [epoch.position for epoch in epochs if epoch.position is not None]
    expected = _said(log)

    assert len(found) == len(expected)
    for position, (latitude, longitude) in zip(found, expected, strict=True):
        assert position.latitude_deg == pytest.approx(latitude, abs=1e-9)
        assert position.longitude_deg == pytest.approx(longitude, abs=1e-9)
    assert set(reasons) <= {Reason.UNKNOWN_SENTENCE}  # a vendor's own
