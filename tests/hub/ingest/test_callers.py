"""Births, deaths and acks of orders reach those who asked; what is none of them reaches nobody."""

from hub.ingest import Callers, Taps, metrics
from protocols.ids import JournalId, UnitId
from protocols.link import Ack, Held, Stream, encode_ack
from protocols.link.topics import caller_filters, link_ack, presence, up
from protocols.messages import Presence
from tests.hub import vehicle

A1 = UnitId("A-001")


def test_each_is_told_to_who_asked_for_it() -> None:
    presences: list[tuple[UnitId, Presence]] = []
    acks: list[tuple[UnitId, Ack]] = []
    taps = Taps()
    taps.on_presence(lambda unit, said: presences.append((unit, said)))
    callers = Callers(taps, heard_link_ack=lambda unit, ack: acks.append((unit, ack)))
    journal: JournalId = vehicle.new_journal()
    birth = vehicle.presence(journal)
    ack = Ack(journal=journal, streams={Stream.ORDER: Held(3)}, committed_utc_us=1, echo_utc_us=2)
    refused = metrics.REFUSED.labels("bad-topic")
    before = refused._value.get()
    callers.hear(
        [
            (presence(A1), birth.to_payload()),
            (presence(A1), b"nonsense"),
            (presence(A1).replace("/1/", "/1/9"), birth.to_payload()),
            (link_ack(A1), b"nonsense"),
            (link_ack(A1), encode_ack(ack)),
        ]
    )
    assert presences == [(A1, birth)]
    assert acks == [(A1, ack)]
    assert refused._value.get() == before + 1


def test_no_record_is_asked_for() -> None:
    levels = [each.split("/") for each in caller_filters()]

    def matches(topic: str) -> bool:
        parts = topic.split("/")
        return any(
            len(parts) == len(level)
            and all(mine in {"+", its} for mine, its in zip(level, parts, strict=True))
            for level in levels
        )

    assert matches(presence(A1))
    assert matches(link_ack(A1))
    assert not any(matches(up(A1, stream)) for stream in Stream)
