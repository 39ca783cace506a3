"""Third parties: invited by name (they are rung), or by a link that opens one encounter alone."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.guests import Guests
from hub.access.rights import Action
from hub.api.gate import GUEST_COOKIE, SignedIn, SignedInOrGuest
from hub.consult.consult import Consult
from hub.consult.inviting import Whom, invite_by_name
from hub.consult.news import News
from hub.store import encounters, guests, teams
from hub.store.guests import Guest
from protocols.errors import AccessError
from protocols.ids import UUID_PATTERN
from protocols.messages.room import Name

guest_router = APIRouter(prefix="/api/v1", tags=["guests"])

PAGE: Final = "/doctor/#/guest/"
"""The token stands behind the `#`: no server and no proxy has it in a log."""

_Id = Annotated[str, Path(pattern=UUID_PATTERN)]


class Team(BaseModel):
    """A team that may be invited."""

    team_id: str
    name: str
    kind: str
    organisation: str


class Doctor(BaseModel):
    """A doctor who may be invited."""

    username: str
    name: str
    organisation: str


class Directory(BaseModel):
    """Whom one may invite by name."""

    teams: list[Team]
    doctors: list[Doctor]


class Invitation(BaseModel):
    """Who is let in by a link, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    valid_for_s: Annotated[float, Field(ge=300, le=86_400, allow_inf_nan=False)] = 3_600


class GuestOut(BaseModel):
    """One guest link, without what opens it."""

    guest_id: str
    name: str
    invited_by: str
    created_utc_us: int
    expires_utc_us: int
    revoked_utc_us: int | None
    opened_utc_us: int | None


class GuestLink(GuestOut):
    """A new link: `path` on this hub opens the encounter, and is shown this once."""

    path: str


class GuestList(BaseModel):
    """Links of an encounter, newest first."""

    guests: list[GuestOut]


class Opening(BaseModel):
    """The token of a link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str, Field(min_length=1, max_length=128)]


class GuestWho(BaseModel):
    """Who the guest is, and what they were let into."""

    name: str
    unit: str
    call_sign: str
    encounter_id: str
    invited_by: str
    expires_utc_us: int


@guest_router.get("/directory", summary="See whom one may invite")
async def directory(principal: SignedIn, request: Request) -> Directory:
    """Return teams and doctors."""
    principal.require(Action.INVITE)
    pool = request.app.state.pool
    return Directory(
        teams=[
            Team(
                team_id=one.team_id,
                name=one.name,
                kind=one.kind,
                organisation=one.organisation,
            )
            for one in await teams.listed(pool)
        ],
        doctors=[
            Doctor(username=one.username, name=one.name, organisation=one.organisation)
            for one in await teams.doctors(pool)
        ],
    )


@guest_router.post(
    "/encounters/{encounter_id}/rings", status_code=204, summary="Invite somebody by name"
)
async def ring(encounter_id: _Id, body: Whom, principal: SignedIn, request: Request) -> None:
    """Ring a doctor, a team or the doctors of a hospital, as the crew does."""
    principal.require(Action.INVITE)
    consult: Consult = request.app.state.consult
    await invite_by_name(consult, request.app.state.pool, encounter_id, body, principal)


@guest_router.post(
    "/encounters/{encounter_id}/guests", status_code=201, summary="Make a guest link"
)
async def invite(
    encounter_id: _Id, body: Invitation, principal: SignedIn, request: Request
) -> GuestLink:
    """Make a link that opens this encounter alone, until it expires or is taken back."""
    principal.require(Action.INVITE)
    state = request.app.state
    links: Guests = state.guests
    guest, token, event = await links.invite(
        encounter_id, body.name, valid_for_s=body.valid_for_s, by=principal
    )
    desk: Desk = state.desk
    await desk.note(principal, "guest.invite", guest.unit, guest=guest.guest_id)
    news = News()
    news.happened(guest.unit, guest.encounter_id, event)
    await state.consult.tell(news)
    return GuestLink(**_out(guest).model_dump(), path=f"{PAGE}{token}")


@guest_router.get("/encounters/{encounter_id}/guests", summary="See the guest links")
async def listed(encounter_id: _Id, principal: SignedIn, request: Request) -> GuestList:
    """Return the encounter's links, newest first."""
    principal.require(Action.INVITE)
    pool = request.app.state.pool
    encounter = await encounters.find(pool, encounter_id)
    found = await guests.of_encounter(pool, encounter.encounter_id)
    return GuestList(guests=[_out(one) for one in found])


@guest_router.post(
    "/encounters/{encounter_id}/guests/{guest_id}/revoke", summary="Take a guest link back"
)
async def revoke(
    encounter_id: _Id, guest_id: _Id, principal: SignedIn, request: Request
) -> GuestOut:
    """Take a link back; who came by it leaves the room, and sees nothing more."""
    principal.require(Action.INVITE)
    state = request.app.state
    links: Guests = state.guests
    gone, event = await links.revoke(encounter_id, guest_id, by=principal)
    desk: Desk = state.desk
    await desk.note(principal, "guest.revoke", gone.unit, guest=gone.guest_id)
    consult: Consult = state.consult
    state.feed.put_out(f"guest:{gone.guest_id}")
    await consult.rooms.put_out(gone.encounter_id, f"guest:{gone.guest_id}")
    news = News()
    news.happened(gone.unit, gone.encounter_id, event)
    await consult.tell(news)
    return _out(gone)


@guest_router.post("/guest", summary="Open a guest link")
async def open_link(body: Opening, request: Request, response: Response) -> GuestWho:
    """Come in by a link; its token becomes a cookie that scripts cannot read."""
    state = request.app.state
    links: Guests = state.guests
    address = request.client.host if request.client else "-"
    principal, guest = await links.open(body.token, address=address)
    response.set_cookie(
        GUEST_COOKIE,
        body.token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/api/v1",
    )
    desk: Desk = state.desk
    await desk.note(principal, "guest.open", guest.unit, guest=guest.guest_id)
    return _who(request, guest)


@guest_router.get("/guest", summary="See what one is let into")
async def who(principal: SignedInOrGuest, request: Request) -> GuestWho:
    """Return who the guest is and what they were let into."""
    inside = principal.guest_of
    if inside is None:
        raise AccessError(action="guest.see", actor=principal.subject)
    found = await guests.of_encounter(request.app.state.pool, inside.encounter_id)
    _, _, guest_id = principal.grant.partition(":")
    return _who(request, next(one for one in found if one.guest_id == guest_id))


@guest_router.delete("/guest", status_code=204, summary="Leave as a guest")
async def leave(response: Response) -> None:
    """Forget the link in this browser; it opens again while it stands."""
    response.delete_cookie(GUEST_COOKIE, path="/api/v1")


def _who(request: Request, guest: Guest) -> GuestWho:
    state = request.app.state
    view = state.fleet.view(guest.unit, now_utc_us=state.clock.utc_us())
    return GuestWho(
        name=guest.name,
        unit=guest.unit,
        call_sign=view.call_sign if view else guest.unit,
        encounter_id=guest.encounter_id,
        invited_by=guest.invited_by,
        expires_utc_us=guest.expires_utc_us,
    )


def _out(guest: Guest) -> GuestOut:
    return GuestOut(
        guest_id=guest.guest_id,
        name=guest.name,
        invited_by=guest.invited_by,
        created_utc_us=guest.created_utc_us,
        expires_utc_us=guest.expires_utc_us,
        revoked_utc_us=guest.revoked_utc_us,
        opened_utc_us=guest.opened_utc_us,
    )
