"""The audit: `/api/v1/audit`."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from hub.access.rights import Action
from hub.api.gate import SignedIn
from hub.store import audit as store

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


class EntryOut(BaseModel):
    """One thing that somebody did, saw, or was refused."""

    number: int
    at_utc_us: int
    actor: str
    action: str
    subject: str
    outcome: str
    facts: dict[str, str]


class Entries(BaseModel):
    """Entries, newest first; `first_broken` is the first whose seal does not hold, if any."""

    entries: list[EntryOut]
    first_broken: int | None


@router.get("", summary="Read who did and saw what")
async def read(
    principal: SignedIn,
    request: Request,
    before: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Entries:
    """Return a page of the audit, and whether its chain is whole."""
    principal.require(Action.READ_AUDIT)
    pool = request.app.state.pool
    rows = await store.read(pool, before=before, limit=limit)
    return Entries(
        entries=[EntryOut(**{**dict(row), "facts": json.loads(row["facts"])}) for row in rows],
        first_broken=await store.first_broken(pool),
    )
