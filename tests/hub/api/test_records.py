"""Reading what a unit recorded: pages of a bounded size that together are all of it, once."""

import struct
from typing import Any

import numpy as np

from hub.access.rights import Role
from hub.store import records
from hub.store.records import PAGE_BYTES
from hub.store.stored import StoredRecord
from protocols.ids import Seq
from protocols.link import Held, Lane, Stream
from protocols.messages import Channel, Message, WaveformBlock
from protocols.messages.samples import ENCODING, encode_samples
from tests.hub.api.stand import Stand
from tests.hub.consult.clinic import A1
from tests.hub.vehicle import NOON_US

SIZE = 60_000


async def keep(stand: Stand, stream: Stream, *messages: tuple[int, Message]) -> None:
    """Have the hub hold `messages`, each with when it was captured."""
    rows = [
        StoredRecord(
            unit=A1, journal=stand.clinic.journal, stream=stream, seq=Seq(number),
            captured_utc_us=at_us, clock="gnss", clock_error_us=None, received_utc_us=at_us,
            lane=Lane.LIVE, understood=True, body=message.to_body(),
        )
        for number, (at_us, message) in enumerate(messages, 1)
    ]  # fmt: skip
    await records.commit_batch(
        stand.clinic.pool,
        records=rows,
        ledgers={(A1, stand.clinic.journal, stream): Held(Seq(len(rows)))},
        gaps=[],
        now_utc_us=NOON_US,
    )


async def everything(stand: Stand, query: str) -> list[list[dict[str, Any]]]:
    """Return the pages of an answer, asked for one after another."""
    pages, after = [], ""
    while True:
        path = f"/api/v1/units/{A1}/records?{query}{after}"
        page = (await stand.ask("GET", path, role=Role.DOCTOR)).json()
        pages.append(page["records"])
        if page["next"] is None:
            return pages
        after = f"&after={page['next']}"


def curve(group: str, *samples: int) -> WaveformBlock:
    return WaveformBlock.model_validate(
        {
            "group": group, "rate_hz": 250.0, "sample_count": len(samples),
            "first_sample_index": 0, "encoding": ENCODING,
            "channels": (Channel(code="MDC_ECG_ELEC_POTL_I", unit="uV", gain=1.0),),
            "data": encode_samples(np.array([samples], np.int32)),
        }
    )  # fmt: skip


async def test_pages_hold_each_record_once_though_many_were_captured_at_one_moment(
    stand: Stand,
) -> None:
    await keep(
        stand,
        Stream.WAVEFORM,
        *((NOON_US + number // 5, curve("ecg", number)) for number in range(23)),
    )
    pages = await everything(stand, "stream=waveform&limit=4")
    assert [one["seq"] for page in pages for one in page] == [*range(1, 24)]
    assert {len(page) for page in pages[:-1]} == {4}


async def test_a_page_is_bounded_in_bytes_too_and_holds_one_record_at_least(stand: Stand) -> None:
    count = 2 * PAGE_BYTES // SIZE
    rng = np.random.default_rng(1)
    block = curve("ecg", *rng.integers(-(2**31), 2**31, SIZE // 5))
    await keep(stand, Stream.WAVEFORM, *((NOON_US + number, block) for number in range(count)))
    pages = await everything(stand, "stream=waveform")
    assert [one["seq"] for page in pages for one in page] == [*range(1, count + 1)]
    assert len(block.to_body()) * max(len(page) for page in pages) < PAGE_BYTES + SIZE

    page = await records.read(
        stand.clinic.pool,
        A1,
        Stream.WAVEFORM,
        from_utc_us=NOON_US,
        to_utc_us=NOON_US + 9,
        limit=5,
        most_bytes=1,
    )
    assert len(page.records) == 1


async def test_curves_of_one_moment_come_both_at_the_edge_of_a_page(stand: Stand) -> None:
    moments = range(300)
    await keep(
        stand,
        Stream.WAVEFORM,
        (NOON_US - 1, curve("pleth", 0)),  # so that a page ends between the two of a moment
        *(
            (NOON_US + moment, curve(group, moment))
            for moment in moments
            for group in ("pleth", "ecg")
        ),
    )
    path = f"/api/v1/units/{A1}/waveform?from_utc_us={NOON_US - 1}"
    body = (await stand.ask("GET", path, role=Role.DOCTOR)).content
    count = 0
    while body:
        (size,) = struct.unpack_from("<I", body)
        body, count = body[4 + size :], count + 1
    assert count == len(moments)


async def test_a_place_that_is_none_is_refused(stand: Stand) -> None:
    path = f"/api/v1/units/{A1}/records?stream=vitals&after=1_x_2"
    assert (await stand.ask("GET", path, role=Role.DOCTOR)).status_code == 422
