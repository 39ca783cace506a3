"""The crew's voice: `/api/v1/room/voice`. The tablet's offer in, an answer by way of us out."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from edge_agent.tablet.crew import Body, Crew, vehicle_of

voice_router = APIRouter(prefix="/api/v1/room/voice")


class OfferEntry(Body):
    """An SDP offer: one's own voice first, then as many streams of others as are to be heard."""

    sdp: Annotated[str, Field(min_length=1, max_length=60_000)]


class Joined(BaseModel):
    """The session, and the SDP answer to its offer."""

    session: str
    sdp: str


@voice_router.post("", status_code=201)
async def join(entry: OfferEntry, _member: Crew, request: Request) -> Joined:
    """Join the conversation; this tablet's place replaces another's."""
    near = request.scope["server"][0]
    session, answer = await vehicle_of(request).voice.start(entry.sdp, near=near)
    return Joined(session=session, sdp=answer)


@voice_router.delete("/{session}", status_code=204)
async def leave(session: str, _member: Crew, request: Request) -> None:
    """Leave the conversation."""
    await vehicle_of(request).voice.end(session)
