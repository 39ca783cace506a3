"""The parts of the benchmark, one after another at one hub; the peers after ours, by themselves."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from goldenhour.bench.figures import Figure
from goldenhour.bench.link import document, mosquitto, outage, paths, peers, thin, thingsboard
from goldenhour.bench.link.ground import hub_side
from goldenhour.bench.link.traffic import Ambulance
from goldenhour.bench.picture import Bar, bars
from goldenhour.demo.city import Recordings
from protocols.runtime.clock import SystemClock

Part = Literal["thin", "outage", "document", "paths"]
PARTS: Final[tuple[Part, ...]] = ("thin", "outage", "document", "paths")

_OURS: Final = {
    "thin": thin.measure,
    "outage": outage.measure,
    "document": document.measure,
    "paths": paths.measure,
}
_OF_PEERS: Final = {"thin": peers.measure_thin, "outage": peers.measure_outage}

_BRIDGE: Final = mosquitto.NAME
_PEER_OF: Final = {
    thin.ALARM: f"thin: {_BRIDGE}, alarm p99",
    thin.USED: f"thin: {_BRIDGE}, link used",
    outage.DRAIN: f"outage: {_BRIDGE}, backlog drained",
    outage.FIRST: f"outage: {_BRIDGE}, first live value",
    outage.ALARM: f"outage: {_BRIDGE}, alarm during the drain",
    outage.USED: f"outage: {_BRIDGE}, link used",
}
"""By our figure's name, how the bridge's begins."""

Say = Callable[[str], None]


async def measure(
    folder: Path, *, parts: Sequence[Part], scale: float, played: Recordings, say: Say
) -> list[Figure]:
    """Return the figures of `parts`, and of the peers that are installed, in the same run.

    Raises:
        ConfigError: a recording or a part is not there.
        NotReadyError: a part did not come up.
    """
    found: list[Figure] = []
    async with hub_side(folder / "hub", played=played) as hub:
        for part in parts:
            say(f"{part}: Golden Hour")
            found += await _OURS[part](hub, scale=scale)
    others = await _peers(folder, parts=parts, scale=scale, played=played, say=say)
    return [*with_peer(found, others), *others]


def with_peer(ours: Sequence[Figure], others: Sequence[Figure]) -> list[Figure]:
    """Return our figures, each beside what Mosquitto's bridge came to, where that was measured."""
    found: list[Figure] = []
    for figure in ours:
        begin = _PEER_OF.get(figure.name)
        same = [one.value for one in others if begin is not None and one.name.startswith(begin)]
        found.append(dataclasses.replace(figure, peer=round(same[0], 3)) if same else figure)
    return found


async def _peers(
    folder: Path, *, parts: Sequence[Part], scale: float, played: Recordings, say: Say
) -> list[Figure]:
    installed: dict[str, peers.RunPeer] = {}
    if mosquitto.executable() is None:
        say("left out: no Mosquitto, and so no peer; on Debian: apt-get install mosquitto")
    else:
        installed["mosquitto"] = mosquitto.mosquitto
        if thingsboard.executable() is None:
            say("left out: ThingsBoard Gateway is not installed; make bench-peers")
        else:
            installed["thingsboard"] = thingsboard.thingsboard
    ambulance, clock, found = Ambulance(played), SystemClock(), []
    for part in parts:
        for name, run in installed.items():
            if part in _OF_PEERS:
                say(f"{part}: {name}")
                found += await _OF_PEERS[part](
                    run, folder / f"{name}-{part}", ambulance, clock, scale=scale
                )
    return found


def picture(figures: Sequence[Figure], note: str) -> str:
    """Return the picture: how old an alarm is when it is seen, after an outage and on a thin link.

    A peer whose alarm had not arrived when the time was over has a bar as long as that time.
    """
    by_name = {figure.name: figure.value for figure in figures}
    rows: list[Bar] = []
    for title, ours, theirs in (
        ("two hours over 64 kbit/s", thin.ALARM, "thin: {}, alarm p99"),
        ("ten minutes over 1 Mbit/s", outage.ALARM, "outage: {}, alarm during the drain, p99"),
    ):
        if ours in by_name:
            rows.append(Bar(f"{title}: Golden Hour", by_name[ours], is_ours=True))
        for peer in (mosquitto.NAME, thingsboard.NAME):
            begin = theirs.format(peer)
            found = [value for name, value in by_name.items() if name.startswith(begin)]
            rows += [Bar(f"… {peer}", value) for value in found]
    return bars(
        "How old an alarm is when it is seen, while a backlog drains (p99)", "s", rows,
        limit=1.0, note=note,
    )  # fmt: skip
