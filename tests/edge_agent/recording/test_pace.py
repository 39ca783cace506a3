"""Uploading takes what the link has to spare, and gives way at once."""

from edge_agent.recording.pace import UploadPace


def test_it_grows_while_the_round_trip_is_short_up_to_its_most() -> None:
    pace = UploadPace(1_000_000)
    for _ in range(60):
        assert pace.look(round_trip_s=0.05, waiting_records=0)
    assert pace.rate_bps == 1_000_000


def test_it_halves_where_others_begin_to_wait() -> None:
    pace = UploadPace(1_000_000, rate_bps=800_000)
    pace.look(round_trip_s=0.05, waiting_records=0)
    before = pace.rate_bps
    assert pace.look(round_trip_s=0.5, waiting_records=0)
    assert pace.rate_bps == before / 2


def test_it_rests_while_records_wait_or_the_link_is_down() -> None:
    pace = UploadPace(1_000_000)
    assert not pace.look(round_trip_s=0.05, waiting_records=3)
    assert not pace.look(round_trip_s=None, waiting_records=0)
    assert pace.look(round_trip_s=0.05, waiting_records=0)


def test_it_never_stops_for_good_on_a_link_that_became_longer() -> None:
    pace = UploadPace(1_000_000)
    pace.look(round_trip_s=0.05, waiting_records=0)
    for _ in range(3_000):
        pace.look(round_trip_s=0.6, waiting_records=0)
    assert pace.rate_bps > 100_000


def test_the_wait_after_a_piece_makes_the_rate() -> None:
    pace = UploadPace(1_000_000, rate_bps=80_000)
    assert pace.pause_s(10_000, 0.25) == 0.75
    assert pace.pause_s(10_000, 0.0) == 1.0


def test_a_piece_is_what_goes_in_a_fifth_of_a_second() -> None:
    assert UploadPace(1, rate_bps=400_000).piece_bytes == 10_000
    assert UploadPace(1, rate_bps=16_000).piece_bytes == 2 * 1024
    assert UploadPace(1, rate_bps=1e9).piece_bytes == 48 * 1024


def test_a_piece_that_took_long_tells_what_the_link_carries() -> None:
    pace = UploadPace(10_000_000, rate_bps=1_000_000)
    pace.pause_s(25_000, 2.0)  # 100 kbit/s
    assert pace.rate_bps == 80_000
    assert pace.pause_s(2_048, 0.5) == 2_048 * 8 / pace.rate_bps - 0.5


def test_on_a_link_of_64_kbit_s_no_piece_is_in_the_way_for_long() -> None:
    pace, link_bps = UploadPace(2_000_000), 64_000
    for _ in range(200):
        assert pace.look(round_trip_s=0.3, waiting_records=0)
        took_s = pace.piece_bytes * 8 / link_bps + 0.1
        assert took_s < 0.8
        pace.pause_s(pace.piece_bytes, took_s)


def test_a_far_hub_is_no_slow_link() -> None:
    pace = UploadPace(1_000_000)
    for _ in range(60):
        pace.look(round_trip_s=0.6, waiting_records=0)
        pace.pause_s(pace.piece_bytes, 0.6 + pace.piece_bytes * 8 / 2_000_000)
    assert pace.rate_bps == 1_000_000
