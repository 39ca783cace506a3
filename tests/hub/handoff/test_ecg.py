"""The ECG of a document: every sample where it was taken, and a hole where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hub.handoff.case import case_of
from hub.handoff.ecg import ecg_observation
from hub.handoff.fhir import Ids
from hub.store import Pool, encounters
from protocols.messages import Channel, EncounterOpened, WaveformBlock
from protocols.messages.samples import ENCODING, encode_samples
from tests.hub.consult.clinic import opened
from tests.hub.handoff.test_document import bare_case
from tests.hub.vehicle import NOON_US, new_journal, vitals

RATE_HZ = 4.0
Timed = tuple[int, WaveformBlock]


def block(  # noqa: PLR0913 -- what a block may say
    at_s: float,
    *samples: int,
    index: int = 0,
    group: str = "ecg",
    rate_hz: float = RATE_HZ,
    offset: int = 0,
    code: str = "MDC_ECG_ELEC_POTL_V1",
    missing: int | None = None,
) -> Timed:
    made = WaveformBlock.model_validate(
        {
            "group": group,
            "rate_hz": rate_hz,
            "sample_count": len(samples),
            "first_sample_index": index,
            "channels": (Channel(code=code, unit="uV", gain=5.0, offset=offset, source="m"),),
            "encoding": ENCODING,
            "data": encode_samples(np.array([samples], np.int32)),
            "missing": missing,
        }
    )
    return NOON_US + round(at_s * 1e6), made


def shown(*blocks: Timed) -> dict[str, Any]:
    found = ecg_observation(replace(bare_case(), ecg=list(blocks)), Ids(str(new_journal())))
    assert found is not None
    return found[1]


def words(*blocks: Timed) -> str:
    return str(shown(*blocks)["component"][0]["valueSampledData"]["data"])


@pytest.mark.parametrize(
    ("blocks", "data"),
    [
        ([block(0, 1, 2, index=0), block(0.5, 3, 4, index=2)], "1 2 3 4"),
        ([block(0, 1, 2, index=0), block(1.5, 3, 4, index=6)], "1 2 E E E E 3 4"),
        ([block(0, 1, 2, index=0), block(0.53, 3, 4, index=2)], "1 2 3 4"),  # the stamp jitters
        ([block(0, 1, 2, index=90), block(1, 3, index=0)], "1 2 E E 3"),  # the count began afresh
        ([block(0, 1, 2, index=9), block(0, 1, 2, index=9)], "1 2"),  # twice, of two journals
        ([block(0, 101, 99, offset=100)], "1 -1"),
        ([block(0, 101, -7, offset=100, missing=-7)], "1 E"),
        ([block(0, 1, rate_hz=2), block(1, 2, 3)], "2 3"),  # set anew: the newest counts
        ([block(0, 1, offset=2**40), block(1, 2, 3)], "2 3"),
    ],
)
def test_samples_stand_where_they_were_taken(blocks: Sequence[Timed], data: str) -> None:
    assert words(*blocks) == data


def test_a_lead_has_the_standard_s_number_and_its_span_is_stated() -> None:
    found = shown(block(0, 1, 2), block(1, 3, 4, index=4))
    assert found["component"][0]["code"]["coding"] == [
        {
            "system": "urn:iso:std:iso:11073:10101",
            "code": "131331",
            "display": "MDC_ECG_ELEC_POTL_V1",
        }
    ]
    assert found["effectivePeriod"] == {
        "start": "2027-01-15T08:00:00.000Z",
        "end": "2027-01-15T08:00:01.500Z",
    }
    other = shown(block(0, 1, code="MDC_ECG_LEAD_AVR"))["component"][0]["code"]["coding"][0]
    assert other["code"] == "131390"
    assert shown(block(0, 1, code="MDC_ECG_ELEC_POTL_NASA"))["component"][0]["code"] == {
        "text": "MDC_ECG_ELEC_POTL_NASA"
    }


def test_blocks_that_are_damaged_are_passed_over() -> None:
    at_us, good = block(0, 1, 2)
    bad = good.model_copy(update={"data": b"\x00"})
    assert words((at_us, good), (at_us + 500_000, bad)) == "1 2"
    case = replace(bare_case(), ecg=[(at_us, bad)])
    assert ecg_observation(case, Ids(str(new_journal()))) is None


async def test_the_newest_ten_seconds_are_found_behind_other_curves(pool: Pool) -> None:
    async with opened(pool) as clinic:
        encounter_id = str(new_journal())
        await clinic.hear(EncounterOpened(encounter_id=encounter_id))
        for second in range(30):
            at_us, ecg = block(second, second, second, index=second * 4)
            await clinic.say(ecg, at_s=(at_us - NOON_US) / 1e6)
        for second in range(30, 100, 10):
            _, pleth = block(second, 1, group="pleth")
            await clinic.say(pleth, at_s=second)
        case = await case_of(pool, await encounters.find(pool, encounter_id))
    assert [(at - NOON_US) // 1_000_000 for at, _ in case.ecg] == list(range(20, 30))


async def test_of_more_than_a_document_holds_the_newest_are_taken(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.handoff.case._MOST_RECORDS", 5)
    monkeypatch.setattr("hub.store.records._PAGE_RECORDS", 4)
    async with opened(pool) as clinic:
        encounter_id = str(new_journal())
        await clinic.hear(EncounterOpened(encounter_id=encounter_id))
        for second in range(1, 12):
            await clinic.say(vitals(heart_rate_bpm=60.0 + second), at_s=second)
        case = await case_of(pool, await encounters.find(pool, encounter_id))
    assert [(at - NOON_US) // 1_000_000 for at, _ in case.vitals] == [7, 8, 9, 10, 11]
