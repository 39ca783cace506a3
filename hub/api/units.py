"""Units: their views, their streams' accounts, and enrolment: `/api/v1/units`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.rights import Action
from hub.api.feed import for_eyes_of
from hub.api.gate import SignedIn
from hub.store import ledgers
from protocols.errors import NotFoundError
from protocols.ids import ID_PATTERN, TopicSafe, UnitId
from protocols.live import UnitView
from protocols.live.feed import NodeView

router = APIRouter(prefix="/api/v1/units", tags=["units"])

UnitPath = Annotated[str, Path(pattern=ID_PATTERN)]


class Units(BaseModel):
    """Every unit."""

    units: list[UnitView]


class StreamAccount(BaseModel):
    """How far one stream of one journal has been received; `ranges` are held above a hole."""

    journal: str
    stream: str
    watermark: int
    ranges: list[tuple[int, int]]
    last_received_utc_us: int


class DeclaredGap(BaseModel):
    """Records that the vehicle accepted and had to give up, and why.

    `is_open`: records after `last_seq` are gone too, and nobody knows how many.
    """

    journal: str
    stream: str
    first_seq: int
    last_seq: int
    reason: str
    first_captured_utc_us: int | None
    last_captured_utc_us: int | None
    is_open: bool


class Announced(BaseModel):
    """What the vehicle last said that it holds and the hub has not acknowledged."""

    stream: str
    last_seq: int
    acked_through: int
    waiting_records: int
    waiting_bytes: int


class Streams(BaseModel):
    """The account of a unit's streams.

    `announced` is of the journal that the vehicle writes now, as of `announced_utc_us`; `drain_s`:
    until the hub has all, by the vehicle's own measure.
    """

    streams: list[StreamAccount]
    announced: list[Announced]
    announced_utc_us: int | None
    drain_s: float | None
    gaps: list[DeclaredGap]


class Nodes(BaseModel):
    """The time nodes of the current run."""

    run_id: str | None
    nodes: list[NodeView]


class Enrolment(BaseModel):
    """A unit to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: TopicSafe
    call_sign: Annotated[str, Field(min_length=1, max_length=40)]
    profile: Literal["ambulance", "patrol"]
    organisation: Annotated[str, Field(min_length=1, max_length=80)] = "Golden Hour"
    light: bool = False
    replace: bool = False


class Enrolled(BaseModel):
    """What the vehicle needs; the password is shown this once."""

    unit: str
    password: str
    mqtt: dict[str, Any]
    http_url: str
    ca_pem: str | None


@router.get("", summary="See every unit")
async def see_all(principal: SignedIn, request: Request) -> Units:
    """Return every unit's view, by id."""
    principal.require(Action.SEE_FLEET)
    state = request.app.state
    views = state.fleet.views(now_utc_us=state.clock.utc_us())
    return Units(units=[for_eyes_of(principal, view) for view in views])


@router.get("/{unit}", summary="See one unit")
async def see(unit: UnitPath, principal: SignedIn, request: Request) -> UnitView:
    """Return one unit's view."""
    principal.require(Action.SEE_FLEET)
    return for_eyes_of(principal, _view(request, unit))


@router.get("/{unit}/nodes", summary="See the time nodes of the current run")
async def nodes(unit: UnitPath, principal: SignedIn, request: Request) -> Nodes:
    """Return the nodes of the newest run, in the order in which they fell."""
    principal.require(Action.SEE_FLEET)
    view = _view(request, unit)
    return Nodes(run_id=view.run_id, nodes=view.nodes)


@router.get("/{unit}/streams", summary="See how far each stream has been received")
async def streams(unit: UnitPath, principal: SignedIn, request: Request) -> Streams:
    """Return watermark, ranges above it, declared gaps and what waits, of every stream."""
    principal.require(Action.SEE_FLEET)
    _view(request, unit)
    pool = request.app.state.pool
    found = await ledgers.streams_of(pool, UnitId(unit))
    gaps = await ledgers.gaps_of(pool, UnitId(unit))
    told = request.app.state.fleet.reported(UnitId(unit))
    return Streams(
        announced=[
            Announced(**backlog.model_dump(exclude={"kind"})) for backlog in told.health.backlog
        ]
        if told
        else [],
        announced_utc_us=told.captured_utc_us if told else None,
        drain_s=told.health.drain_s if told else None,
        streams=[
            StreamAccount(
                journal=ledger.journal,
                stream=ledger.stream.value,
                watermark=ledger.held.watermark,
                ranges=list(ledger.held.ranges),
                last_received_utc_us=ledger.last_received_utc_us,
            )
            for ledger in found
        ],
        gaps=[DeclaredGap(**dict(gap)) for gap in gaps],
    )


@router.post("", status_code=201, summary="Enrol a unit")
async def enrol(body: Enrolment, principal: SignedIn, request: Request) -> Enrolled:
    """Give a vehicle its credential; it may connect at once."""
    principal.require(Action.ENROL_UNIT)
    state = request.app.state
    desk: Desk = state.desk
    password = await desk.enrol(
        UnitId(body.unit),
        call_sign=body.call_sign,
        profile=body.profile,
        organisation=body.organisation,
        light=body.light,
        replace=body.replace,
        by=principal,
    )
    return Enrolled(unit=body.unit, password=password, **state.addresses)


def _view(request: Request, unit: str) -> UnitView:
    state = request.app.state
    view: UnitView | None = state.fleet.view(UnitId(unit), now_utc_us=state.clock.utc_us())
    if view is None:
        raise NotFoundError(what="unit", unit=unit)
    return view
