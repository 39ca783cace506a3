"""Signing in and out: `/api/v1/session`."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.access.desk import MAX_PASSWORD_CHARACTERS, USERNAME_PATTERN, Desk
from hub.access.rights import Principal
from hub.api.gate import COOKIE, SignedIn

router = APIRouter(prefix="/api/v1/session", tags=["session"])


class SignIn(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Annotated[str, Field(pattern=USERNAME_PATTERN)]
    password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]


class Who(BaseModel):
    """Who is signed in."""

    username: str
    display_name: str
    role: str
    organisation: str


@router.post("", summary="Sign in")
async def sign_in(body: SignIn, request: Request, response: Response) -> Who:
    """Open a session; its token is a cookie that scripts cannot read."""
    desk: Desk = request.app.state.desk
    address = request.client.host if request.client else "-"
    principal, token = await desk.sign_in(body.username, body.password, address=address)
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=int(request.app.state.session_s),
        path="/",
    )
    return _who(principal)


@router.get("", summary="See who is signed in")
async def see(principal: SignedIn) -> Who:
    """Return who asks."""
    return _who(principal)


@router.delete("", status_code=204, summary="Sign out")
async def sign_out(principal: SignedIn, request: Request, response: Response) -> None:
    """End the session of this browser."""
    desk: Desk = request.app.state.desk
    await desk.sign_out(principal, request.cookies[COOKIE])
    response.delete_cookie(COOKIE, path="/")


def _who(principal: Principal) -> Who:
    return Who(
        username=principal.username,
        display_name=principal.display_name,
        role=principal.role.value if principal.role else "unit",
        organisation=principal.organisation,
    )
