"""Every sample comes back to the bit, whatever the device sent; hostile bytes cost little."""

import contextlib
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from protocols.messages import interlead3
from protocols.messages.interlead3 import misses, predict, shape, tables
from protocols.messages.interlead3.coder import Reader, field, write
from protocols.messages.samples import Samples

INT32 = np.iinfo(np.int32)
_DAMAGED = "truncated|damaged"


def beats(channels: int, count: int, *, seed: int = 1, noise: float = 2.0) -> Samples:
    """Return channels that see the same beats, each with noise of its own."""
    rng = np.random.default_rng(seed)
    phase = np.arange(count) % 400 / 400
    beat = 200 * np.exp(-(((phase - 0.4) / 0.02) ** 2)) + 40 * np.exp(
        -(((phase - 0.7) / 0.06) ** 2)
    )
    gains = rng.normal(0, 1, (channels, 1))
    found: Samples = np.rint(beat * gains + rng.normal(0, noise, (channels, count))).astype(
        np.int32
    )
    return found


def comes_back(samples: Samples) -> bytes:
    data = interlead3.encode(samples)
    channels, count = samples.shape
    np.testing.assert_array_equal(
        interlead3.decode(data, channels=channels, count=count), samples, strict=True
    )
    return data


@given(
    hnp.arrays(
        np.int32,
        st.tuples(st.integers(1, 32), st.integers(1, 40)),
        elements=st.integers(INT32.min, INT32.max) | st.integers(-40, 40),
    )
)
def test_any_samples_come_back(samples: Samples) -> None:
    comes_back(samples)


@pytest.mark.parametrize("channels", [1, 2, 3, 8, 12, 13, 32])
@pytest.mark.parametrize("count", [1, 2, 3, 9, 128, 700])
def test_beats_come_back(channels: int, count: int) -> None:
    comes_back(beats(channels, count))


def test_a_lead_that_falls_off_and_one_at_its_stop_come_back() -> None:
    samples = beats(4, 600)
    samples[1, 200:400] = INT32.max
    samples[2, 300:] = INT32.min
    samples[3] = np.where(np.arange(600) % 2, INT32.max, INT32.min)
    comes_back(samples)


def test_a_lead_that_falls_off_costs_the_others_little() -> None:
    on = beats(8, 500)
    off = on.copy()
    off[3, 150:350] = INT32.min
    assert len(comes_back(off)) < 1.15 * len(comes_back(on))


def test_a_runaway_prediction_is_reckoned_modulo_2_to_the_32() -> None:
    growing = np.cumsum(np.cumprod(np.full(150, 1.22))).astype(np.int64)
    comes_back(np.stack([growing, -growing]).astype(np.int32))


@pytest.mark.parametrize("weights", [(-2, 2), (-1, -1), (2, -1), (-1, 2), (3, 4), (-8, 7)], ids=str)
@pytest.mark.parametrize(("up", "constant"), [(0, 0), (1, 0), (1, 2048)])
def test_a_computed_channel_costs_its_name_alone(
    weights: tuple[int, int], up: int, constant: int
) -> None:
    two = beats(2, 500)
    third = ((weights[0] * two[0] + weights[1] * two[1] + up) >> 1) + constant
    with_it = comes_back(np.concatenate([two, third[None].astype(np.int32)]))
    assert len(with_it) - len(comes_back(two)) <= 9


def test_a_channel_that_was_rounded_apart_costs_its_rounding() -> None:
    volts = np.cumsum(np.random.default_rng(3).normal(0, 9, (2, 500)), axis=1)
    leads = np.rint(np.stack([*volts, volts[1] - volts[0]])).astype(np.int32)
    assert len(comes_back(leads)) - len(comes_back(leads[:2])) < 500 * 1.5 / 8


def test_a_coarse_converter_pays_for_its_own_steps_only() -> None:
    fine = beats(3, 500)
    coarse = comes_back(fine * 5 + 3)
    assert len(coarse) - len(comes_back(fine)) <= 12
    halves = comes_back(np.floor(fine * 2.5).astype(np.int32))
    assert len(halves) - len(comes_back(fine)) <= 16


def test_a_channel_that_never_changes_costs_eight_bytes_however_long_it_is() -> None:
    assert len(comes_back(np.full((1, 65_536), -7, np.int32))) <= 10


def test_every_level_gives_all_its_room_to_misses_and_an_escape() -> None:
    known = tables.all_tables()
    assert (known.sizes.sum(axis=1) == tables.ONE).all()
    assert (known.sizes[:, tables.ESCAPE] > 0).all()
    assert list(known.edges) == sorted(set(known.edges))
    for mean, level in zip(known.means, range(tables.LEVELS), strict=True):
        assert known.level_of(mean) == level


@given(
    hnp.arrays(
        np.int64,
        st.tuples(st.integers(1, 5), st.integers(0, 60)),
        elements=st.integers(-(2**31), 2**31 - 1) | st.integers(-9, 9),
    ),
    st.integers(0, tables.LEVELS - 1),
)
def test_misses_come_back_from_any_first_level(values: predict.Whole, level: int) -> None:
    reader = Reader(write(misses.places_of(values, level)))
    np.testing.assert_array_equal(misses.read(reader, *values.shape, first=level), values)
    reader.end()


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=30))
def test_fields_come_back_in_their_order(fields: list[tuple[int, int]]) -> None:
    places = [place for value, bits in fields for place in field(value, bits)]
    reader = Reader(write(np.array(places, np.int64).reshape(-1, 2).T))
    for value, bits in fields:
        assert reader.field(bits) == value % (1 << bits)
    reader.end()


@given(
    hnp.arrays(
        np.int64,
        st.tuples(st.integers(1, 4), st.integers(1, 150)),
        elements=st.integers(-(2**31), 2**31 - 1) | st.integers(-60, 60),
    ),
    st.sampled_from([order for order in predict.ORDERS if predict.terms_fit(4, order)]),
    st.tuples(st.booleans(), st.floats(0.01, 1e6)),
)
def test_what_is_missed_restores_the_steps(
    values: predict.Whole, order: int, guess: tuple[bool, float]
) -> None:
    what = predict.Guess(order, *guess)
    np.testing.assert_array_equal(predict.restored(predict.missed(values, what), what), values)


def test_stretches_cover_every_sample_once() -> None:
    for count in (0, 1, 7, 8, 127, 500, 5_001):
        covered = [n for at, end in predict.stretches(count) for n in range(at, end)]
        assert covered == list(range(count))


@given(st.binary(max_size=200), st.integers(1, 32), st.integers(1, 300))
def test_any_bytes_are_refused_or_read(data: bytes, channels: int, count: int) -> None:
    with contextlib.suppress(ValueError):
        assert interlead3.decode(data, channels=channels, count=count).shape == (channels, count)


@given(st.integers(1, 10**6), st.binary(min_size=1, max_size=3))
def test_what_was_cut_off_or_added_is_noticed(kept: int, more: bytes) -> None:
    samples = beats(3, 30)
    sent = interlead3.encode(samples)
    for damaged in (sent[: kept % len(sent)], sent + more):
        with pytest.raises(ValueError, match=_DAMAGED):
            interlead3.decode(damaged, channels=3, count=30)


def test_a_few_bytes_that_claim_the_most_samples_end_soon() -> None:
    begun = process_time()
    for seed in range(20):
        data = np.random.default_rng(seed).bytes(40)
        for channels in (1, 12, 32):
            with contextlib.suppress(ValueError):
                interlead3.decode(data, channels=channels, count=65_536 // channels)
    assert process_time() - begun < 20


def test_a_channel_computed_from_a_later_one_is_refused() -> None:
    forged = shape.Computed(1, 1, (2, 0), 0, 5).places()
    data = write(np.array(forged + shape.Own().places(), np.int64).T)
    with pytest.raises(ValueError, match="after it"):
        interlead3.decode(data, channels=2, count=10)


def test_a_sieve_that_keeps_nothing_is_refused() -> None:
    data = write(np.array(shape.Sieved(7, ()).places(), np.int64).T)
    with pytest.raises(ValueError, match="without values"):
        interlead3.decode(data, channels=1, count=10)
