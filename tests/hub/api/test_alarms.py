"""Alarms from the hub's table to its API: the fleet's list, the encounter, and who sees what."""

from hub.access.rights import Role
from hub.fleet.picture import FleetPicture
from hub.fleet.restore import restore
from hub.ingest import Arrived
from hub.store import records
from hub.store.stored import StoredRecord
from protocols.ids import Seq
from protocols.link import Held, Lane, Stream
from protocols.messages import Alarm, AlarmPriority, EncounterOpened
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1, SECOND_US, new_id
from tests.hub.vehicle import NOON_US

HIGH, LOW = AlarmPriority.HIGH, AlarmPriority.LOW


def alarm(state: str, **fields: object) -> Alarm:
    said = {
        "alarm_id": "limit.spo2_pct.low-1", "code": "limit.spo2_pct.low", "priority": HIGH,
        "state": state, "nature": "physiological", "value": 84.0, "limit": 85.0,
        "raised_utc_us": NOON_US + SECOND_US,
    }  # fmt: skip
    return Alarm.model_validate(said | fields)


LINK = alarm(
    "raised", alarm_id="link.lost-2", code="link.lost", priority=LOW, nature="technical",
    value=None, limit=None,
)  # fmt: skip


async def tell(stand: Stand, *said: Alarm, first_s: int = 1) -> None:
    """Have the hub hold what `A1` says of its alarms, a second apart."""
    clinic = stand.clinic
    for number, message in enumerate(said, first_s):
        record = StoredRecord(
            unit=A1, journal=clinic.journal, stream=Stream.ALARM, seq=Seq(number),
            captured_utc_us=NOON_US + number * SECOND_US, clock="gnss", clock_error_us=None,
            received_utc_us=NOON_US + number * SECOND_US, lane=Lane.LIVE, understood=True,
            body=message.to_body(),
        )  # fmt: skip
        await records.commit_batch(
            clinic.pool,
            records=[record],
            ledgers={(A1, clinic.journal, Stream.ALARM): Held(record.seq)},
            gaps=[],
            now_utc_us=NOON_US,
        )
        clinic.fleet.records([Arrived(record, message)])


async def test_the_list_of_standing_alarms_shows_each_role_what_it_may_see(stand: Stand) -> None:
    await tell(stand, LINK, alarm("raised"))
    seen = {}
    for role in (Role.DOCTOR, Role.OPERATOR):
        answer = await stand.ask("GET", "/api/v1/fleet/alarms", role=role)
        assert answer.status_code == 200
        seen[role] = [
            (one["unit"], one["alarm"]["code"], one["alarm"]["value"])
            for one in answer.json()["alarms"]
        ]
    assert seen[Role.DOCTOR] == [(A1, "limit.spo2_pct.low", 84.0), (A1, "link.lost", None)]
    assert seen[Role.OPERATOR] == [(A1, "patient", None), (A1, "link.lost", None)]
    view = (await stand.ask("GET", f"/api/v1/units/{A1}", role=Role.OPERATOR)).json()
    assert [one["priority"] for one in view["alarms"]] == ["high", "low"]


async def test_a_hub_that_starts_again_knows_what_stands(stand: Stand) -> None:
    await tell(stand, alarm("raised"), alarm("acknowledged", by="Chen"), LINK)
    fleet = FleetPicture(on_change=lambda _unit: None)
    await restore(fleet, stand.clinic.pool, stand.clinic.clock)
    view = fleet.view(A1, now_utc_us=NOON_US)
    assert view is not None
    assert [(one.code, one.state) for one in view.alarms] == [
        ("link.lost", "raised"),
        ("limit.spo2_pct.low", "acknowledged"),
    ]


async def test_an_encounter_holds_its_alarms_from_beginning_to_end(stand: Stand) -> None:
    encounter_id = new_id()
    await stand.clinic.hear(EncounterOpened(encounter_id=encounter_id), at_s=0)
    await tell(
        stand,
        alarm("raised", priority=AlarmPriority.MEDIUM, value=88.0, limit=92.0),
        alarm("raised"),
        alarm("acknowledged", by="Chen"),
        alarm("cleared", cause="not-measured", replaced_by="not_measured.spo2_pct"),
        first_s=101,
    )
    path = f"/api/v1/encounters/{encounter_id}"
    (episode,) = (await stand.ask("GET", path, role=Role.DOCTOR)).json()["alarms"]
    assert (episode["priority"], episode["value"]) == ("high", 84.0)
    assert (episode["acknowledged_by"], episode["cause"]) == ("Chen", "not-measured")
    assert episode["cleared_utc_us"] == NOON_US + 104 * SECOND_US
    assert (await stand.ask("GET", path, role=Role.OPERATOR)).status_code == 403
