"""What waits for a hub that does not read: bounded, and the newest says what it can."""

from hub.ingest import metrics, tally
from hub.ingest.telling import RECORD_BYTES, Telling
from hub.ingest.wire import LENGTH, decode_news, encode_news, plain, record_of
from hub.store.stored import StoredRecord
from protocols.ids import JournalId, Seq, UnitId
from protocols.link import Lane, Stream

JOURNAL = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")


def record(
    stream: Stream, seq: int, *, unit: str = "A-001", at_us: int | None = None
) -> StoredRecord:
    return StoredRecord(
        unit=UnitId(unit), journal=JOURNAL, stream=stream, seq=Seq(seq),
        captured_utc_us=seq if at_us is None else at_us, clock="gnss", clock_error_us=None,
        received_utc_us=7, lane=Lane.BACKFILL, understood=True, body=bytes(100),
    )  # fmt: skip


def test_what_was_added_is_taken_in_order() -> None:
    telling = Telling()
    records = [record(Stream.POSITION, seq) for seq in range(1, 8)]
    telling.add(records[:3])
    telling.add(records[3:])
    assert telling.take(most_bytes=1) == records[:1]
    assert telling.take(most_bytes=2 * (RECORD_BYTES + 100)) == records[1:3]
    assert telling.take(most_bytes=10**9) == records[3:]
    assert not telling
    assert telling.given_up == 0


def test_where_too_much_waits_the_newest_stands_for_those_before_it() -> None:
    telling = Telling(most_bytes=4 * (RECORD_BYTES + 100))
    status = [record(Stream.STATUS, seq) for seq in (1, 2)]
    telling.add([record(Stream.POSITION, 1), status[0], record(Stream.POSITION, 2, at_us=9)])
    telling.add([status[1], record(Stream.POSITION, 3, at_us=5)])  # older than it was said
    assert telling.take(most_bytes=10**9) == [
        status[0], record(Stream.POSITION, 2, at_us=9), status[1],
    ]  # fmt: skip
    assert telling.given_up == 2


def test_what_is_too_much_still_goes_oldest_first_and_is_counted() -> None:
    telling = Telling(most_bytes=3 * (RECORD_BYTES + 100))
    telling.add([record(Stream.STATUS, seq) for seq in range(1, 11)])
    assert [each.seq for each in telling.take(most_bytes=10**9)] == [8, 9, 10]
    assert telling.given_up == 7


def test_a_record_comes_over_as_it_went() -> None:
    went = [record(stream, 3) for stream in Stream]
    news = encode_news("told", [plain(each) for each in went])
    [size_bytes] = LENGTH.unpack(news[: LENGTH.size])
    word, about = decode_news(news[LENGTH.size :])
    assert size_bytes == len(news) - LENGTH.size
    assert word == "told"
    assert [record_of(fields) for fields in about] == went


def test_a_worker_s_counts_are_added_to_the_hub_s() -> None:
    counting = tally.Tally()
    counting.since()
    metrics.REFUSED.labels("test-of-counts").inc(3)
    metrics.DUPLICATES.inc()
    metrics.COMMIT.observe(0.25)
    moved = counting.since()
    assert ["refused", {"reason": "test-of-counts"}, 3.0] in moved
    assert ["duplicates", {}, 1.0] in moved
    assert ["commit", {}, 0.25] in moved
    before = metrics.REFUSED.labels("test-of-counts")._value.get()
    tally.add(moved)
    assert metrics.REFUSED.labels("test-of-counts")._value.get() == before + 3
