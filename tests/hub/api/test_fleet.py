"""Fleet health and a unit's streams, as the operator's page asks for them."""

from hub.access.rights import Role
from hub.ingest import Arrived
from hub.store import records
from hub.store.stored import StoredRecord
from protocols.ids import Seq
from protocols.link import Held, Lane, Stream
from protocols.messages import Gap, LinkHealth, StreamBacklog
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1
from tests.hub.vehicle import NOON_US


def report(**fields: object) -> LinkHealth:
    return LinkHealth.model_validate(
        {
            "state": "recovering", "waiting_records": 900, "waiting_bytes": 90_000, "drain_s": 12.5,
            "software": "1.0", "clock": "gnss", "clock_error_us": 40,
            "disk_free_bytes": 9 * 2**30,
            "backlog": (
                StreamBacklog(
                    stream="vitals", last_seq=1_000, acked_through=100, waiting_records=900,
                    waiting_bytes=90_000,
                ),
            ),
        }
        | fields
    )  # fmt: skip


async def heard(stand: Stand, message: LinkHealth, *, gaps: tuple[Gap, ...] = ()) -> None:
    """Have the hub take in what `A1` reports, and hold what it gave up."""
    clinic = stand.clinic
    record = StoredRecord(
        unit=A1, journal=clinic.journal, stream=Stream.LINK, seq=Seq(1), captured_utc_us=NOON_US,
        clock="gnss", clock_error_us=None, received_utc_us=NOON_US, lane=Lane.LIVE,
        understood=True, body=message.to_body(),
    )  # fmt: skip
    await records.commit_batch(
        clinic.pool,
        records=[record],
        ledgers={(A1, clinic.journal, Stream.LINK): Held(1, ((7, 9),))},
        gaps=[(A1, clinic.journal, gap) for gap in gaps],
        now_utc_us=NOON_US,
    )
    clinic.fleet.records([Arrived(record, message)])


async def test_a_units_streams_say_what_came_what_waits_and_what_is_lost(stand: Stand) -> None:
    lost = Gap(
        stream=Stream.POSITION, first_seq=5, last_seq=204, reason="disk-full",
        first_captured_utc_us=1, last_captured_utc_us=2,
    )  # fmt: skip
    await heard(stand, report(), gaps=(lost,))
    seen = (await stand.ask("GET", f"/api/v1/units/{A1}/streams", role=Role.OPERATOR)).json()
    (link,) = seen["streams"]
    assert (link["stream"], link["watermark"], link["ranges"]) == ("link", 1, [[7, 9]])
    assert seen["announced"] == [
        {
            "stream": "vitals", "last_seq": 1_000, "acked_through": 100, "waiting_records": 900,
            "waiting_bytes": 90_000,
        }
    ]  # fmt: skip
    assert seen["drain_s"] == 12.5
    (gap,) = seen["gaps"]
    assert (gap["stream"], gap["first_seq"], gap["last_seq"]) == ("position", 5, 204)
    assert (gap["reason"], gap["is_open"]) == ("disk-full", False)


async def test_the_fleet_is_told_worst_first_with_every_units_own_words(stand: Stand) -> None:
    await heard(stand, report(disk_free_bytes=1))
    answer = await stand.ask("GET", "/api/v1/fleet/health", role=Role.OPERATOR)
    units = answer.json()["units"]
    assert [unit["unit"] for unit in units] == ["A-001", "A-002"]
    first = units[0]
    assert (first["waiting_records"], first["drain_s"], first["software"]) == (900, 12.5, "1.0")
    assert {problem["code"] for problem in first["problems"]} >= {"disk"}
    assert units[1]["reported_utc_us"] is None
