"""Pictures over HTTP: a doctor sends one to the crew, who may sees it, the vehicle fetches it."""

import base64
import binascii
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import Desk
from hub.access.rights import Action
from hub.api.gate import SignedIn, SignedInOrGuest, Vehicle
from hub.consult.consult import Consult
from hub.consult.events import advice_event
from hub.store import encounters, pictures
from protocols.errors import RequestError
from protocols.ids import UUID_PATTERN, TopicSafe
from protocols.live import AdviceChanged
from protocols.messages import MAX_PICTURE_BYTES
from protocols.units import UtcMicros

picture_router = APIRouter(prefix="/api/v1", tags=["encounters"])

PIECE_BYTES: Final = 8 * 1024
"""A vehicle gets so much at once: a second of a link of 64 kbit/s."""

_Id = Annotated[str, Path(pattern=UUID_PATTERN)]
_MAX_BASE64: Final = -(-MAX_PICTURE_BYTES // 3) * 4


class PictureIn(BaseModel):
    """A JPEG in base64, what goes with it, and when what it shows was so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jpeg: Annotated[str, Field(min_length=4, max_length=_MAX_BASE64)]
    text: Annotated[
        str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")
    ]
    source: TopicSafe
    captured_utc_us: UtcMicros
    valid_for_s: Annotated[float, Field(ge=30, le=86_400, allow_inf_nan=False)] = 3_600


@picture_router.post(
    "/encounters/{encounter_id}/pictures", status_code=201, summary="Show the crew a picture"
)
async def show(
    encounter_id: _Id, body: PictureIn, principal: SignedIn, request: Request
) -> AdviceChanged:
    """Send a picture to the crew; it rings on the tablet until it was seen or expires."""
    principal.require(Action.ADVISE)
    try:
        data = base64.b64decode(body.jpeg, validate=True)
    except binascii.Error as err:
        raise RequestError(reason="not-base64") from err
    consult: Consult = request.app.state.consult
    given = await consult.advising.show(
        encounter_id,
        data,
        body.text,
        source=body.source,
        captured_utc_us=body.captured_utc_us,
        valid_for_s=body.valid_for_s,
        who=principal,
    )
    desk: Desk = request.app.state.desk
    await desk.note(principal, "encounter.show", given.unit, advice=given.advice_id)
    return advice_event(given)


@picture_router.get(
    "/encounters/{encounter_id}/advice/{advice_id}/picture",
    summary="See a picture that was sent",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
async def see(
    encounter_id: _Id, advice_id: _Id, principal: SignedInOrGuest, request: Request
) -> Response:
    """Return the picture as JPEG."""
    principal.require(Action.SEE_PATIENT, encounter_id=encounter_id)
    pool = request.app.state.pool
    encounter = await encounters.find(pool, encounter_id)
    jpeg = await pictures.of_encounter(pool, encounter.encounter_id, advice_id)
    desk: Desk = request.app.state.desk
    await desk.looked(principal, encounter.unit, "picture")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@picture_router.get(
    "/units/{unit}/pictures/{advice_id}",
    summary="Fetch a piece of a picture (vehicles)",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def fetch(
    unit: Vehicle,
    advice_id: _Id,
    request: Request,
    offset: Annotated[int, Query(ge=0, le=MAX_PICTURE_BYTES)] = 0,
) -> Response:
    """Return at most 8 KiB from `offset` on; how many there are and their digest says the order."""
    piece = await pictures.piece_for(
        request.app.state.pool, unit, advice_id, offset=offset, most_bytes=PIECE_BYTES
    )
    return Response(piece, media_type="application/octet-stream")
