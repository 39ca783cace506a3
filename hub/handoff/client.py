"""One attempt at one hospital's FHIR server: what it says decides whether to try again."""

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx2

from hub.handoff.fhir import Json
from hub.handoff.hospitals import Hospital, trusted_by

ATTEMPT_S: Final = 30.0
_MOST_ANSWER_BYTES: Final = 64 * 1024
_MOST_DETAIL: Final = 160
_CODE: Final = re.compile(r"[a-z-]{1,20}")
"""An issue's code, from the value set IssueType; says nothing of a patient."""

_AGAIN: Final = frozenset({408, 409, 423, 425, 429})
"""Refusals that pass: timeouts, conflicts, locks, too many. Source: RFC 9110, 4918, 8470, 6585."""

_NO_RIGHT: Final = frozenset({401, 403})
"""A credential that is being renewed: worth another try."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt."""

    verdict: Literal["accepted", "again", "refused"]
    detail: str | None


async def send(hospital: Hospital, bundle: Json) -> Outcome:
    """Send `bundle`; never raises for what the hospital does or fails to do."""
    try:
        async with asyncio.timeout(ATTEMPT_S):
            return await _send(hospital, bundle)
    except TimeoutError:
        return Outcome("again", f"no answer within {ATTEMPT_S:g} s")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as err:
        # a value error: a token file that holds no text, or none that can stand in a header
        return Outcome("again", f"cannot be reached: {type(err).__name__}")


async def _send(hospital: Hospital, bundle: Json) -> Outcome:
    headers = {
        "Content-Type": "application/fhir+json",
        "Accept": "application/fhir+json",
        "Accept-Encoding": "identity",  # a short answer may not unpack to a long one
    }
    if hospital.token_file is not None:
        token = await asyncio.to_thread(hospital.token_file.read_text)
        headers["Authorization"] = f"Bearer {token.strip()}"
    method, url = "PUT", f"{hospital.base_url}/Bundle/{bundle['id']}"
    if hospital.send == "post":
        method, url = "POST", f"{hospital.base_url}/Bundle"
        identifier = bundle["identifier"]
        headers["If-None-Exist"] = f"identifier={identifier['system']}|{identifier['value']}"
    trusts = await asyncio.to_thread(trusted_by, hospital)
    async with (
        httpx2.AsyncClient(verify=trusts, timeout=ATTEMPT_S, trust_env=False) as http,
        http.stream(method, url, content=json.dumps(bundle), headers=headers) as response,
    ):
        return _outcome(response.status_code, await _body(response))


async def _body(response: httpx2.Response) -> bytes:
    """Return the beginning of the answer; however long it is, no more is read."""
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= _MOST_ANSWER_BYTES:
            break
    return body[:_MOST_ANSWER_BYTES]


def _outcome(status: int, body: bytes) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004 -- RFC 9110
        return Outcome("accepted", None)
    detail = _detail(status, body)
    if status >= 500 or status in _AGAIN | _NO_RIGHT or 300 <= status < 400:  # noqa: PLR2004 -- RFC 9110
        return Outcome("again", detail)
    return Outcome("refused", detail)


def without_words(detail: str | None) -> str | None:
    """Return a detail without what the hospital wrote in it, which may be about the patient."""
    return None if detail is None else detail.partition(":")[0]


def _detail(status: int, body: bytes) -> str:
    """Return status, issue code and the server's words, as far as it sent an OperationOutcome."""
    try:
        issue: Any = json.loads(body)["issue"][0]
        code = issue.get("code")
        said = issue.get("diagnostics") or issue.get("details", {}).get("text")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return f"HTTP {status}"
    detail = f"HTTP {status}"
    if isinstance(code, str) and _CODE.fullmatch(code):
        detail = f"{detail} {code}"
    if isinstance(said, str):
        detail = f"{detail}: {said[:_MOST_DETAIL]}"
    return "".join(c if c.isprintable() else " " for c in detail)[:_MOST_DETAIL]
