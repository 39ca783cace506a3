"""The cameras as the agent knows them: shutters over a restart, what is told, stills kept."""

import random
from pathlib import Path

import pytest

from edge_agent.cameras import Cameras, Recorded
from edge_agent.hub_http import HubAccess
from edge_agent.media.settings import MediaSettings
from edge_agent.media.stills import parts_of
from edge_agent.recording.settings import RecordingSettings
from edge_agent.uplink import LinkLoad
from protocols.errors import NotFoundError
from protocols.ids import CameraId
from protocols.link import Stream
from protocols.messages import CameraHealth, DeviceFault, Still, given_up
from protocols.video import CameraFault, VideoReason, VideoStep
from tests.edge_agent.cab import UNIT, Cab, cab


def cameras_of(vehicle: Cab, *names: str) -> Cameras:
    return Cameras(
        dict.fromkeys(names, "/nowhere/film.mp4"),
        MediaSettings(),
        access=HubAccess(http_url="http://127.0.0.1:9", unit=UNIT, password=""),
        journal=vehicle.journal,
        load=LinkLoad,
        clock=vehicle.vehicle_clock,
        rng=random.Random(1),
        recorded=Recorded(
            folder=Path("nowhere"),
            settings=RecordingSettings(enabled=False),
            encounter=lambda: None,
            link=lambda: (None, 0),
        ),
    )


def shut(cameras: Cameras) -> list[str]:
    return [one.camera for one in cameras.health() if one.reason is VideoReason.SHUTTER]


async def test_a_closed_shutter_stays_closed_over_a_restart_until_it_is_opened(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        await cameras_of(vehicle, "patient", "cabin").shut("cabin", is_shut=True)
    async with cab(tmp_path) as vehicle:
        again = cameras_of(vehicle, "patient", "cabin")
        await again.remember()
        assert shut(again) == ["cabin"]
        assert [state for state, _ in again.states()][1] == "shut"
        await again.shut("cabin", is_shut=False)
        assert shut(again) == []
    async with cab(tmp_path) as vehicle:
        at_last = cameras_of(vehicle, "patient", "cabin")
        await at_last.remember()
        assert shut(at_last) == []


@pytest.mark.parametrize("is_shut", [True, False])
async def test_a_shutter_that_is_not_there_is_refused_and_not_kept(
    tmp_path: Path, *, is_shut: bool
) -> None:
    async with cab(tmp_path) as vehicle:
        with pytest.raises(NotFoundError):
            await cameras_of(vehicle, "patient").shut("roof", is_shut=is_shut)
        with pytest.raises(NotFoundError):
            await cameras_of(vehicle).shut("patient", is_shut=is_shut)
        assert await vehicle.journal.kept("shutter.roof") is None


async def test_a_fault_is_a_record_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    async with cab(tmp_path) as vehicle:
        cameras = cameras_of(vehicle, "patient")
        well = CameraHealth(camera="patient", step=VideoStep.HD)
        dark = well.model_copy(update={"faults": (CameraFault.DARK,)})
        for now, before in ((well, None), (dark, well), (well, dark)):
            await cameras._tell(now, before)
        faults = [one for one in await vehicle.said(Stream.STATUS) if isinstance(one, DeviceFault)]
        assert [(one.device, one.fault, one.state) for one in faults] == [
            ("patient", CameraFault.DARK, "raised"),
            ("patient", CameraFault.DARK, "cleared"),
        ]
        assert await vehicle.said(Stream.STILL) == [well, dark, well]


async def test_the_parts_of_a_still_are_kept_under_the_time_at_which_it_was_taken(
    tmp_path: Path,
) -> None:
    async with cab(tmp_path) as vehicle:
        parts = parts_of(CameraId("patient"), (320, 180), bytes(range(256)) * 10)
        await cameras_of(vehicle, "patient")._keep_still(parts, age_s=1.5)
        rows = await vehicle.journal.span(Stream.STILL, 1, 100)
        assert {row.captured_utc_us for row in rows} == {vehicle.clock.utc_us() - 1_500_000}
        kept = [one for one in await vehicle.said(Stream.STILL) if isinstance(one, Still)]
        assert sorted(kept, key=lambda one: one.part or 1) == list(parts)


def test_what_was_given_up_first_is_the_word_for_the_link() -> None:
    whole = CameraHealth(camera="a", step=VideoStep.HD)
    less = CameraHealth(camera="b", step=VideoStep.STILLS, reason=VideoReason.RATE)
    assert given_up([whole, less]) == "stills"
    assert given_up([whole]) is None
    assert given_up([]) is None
