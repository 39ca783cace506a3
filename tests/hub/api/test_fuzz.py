"""Whatever is asked of the API, by whomever: an answer of ours, never a fault of ours."""

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import pytest

from hub.access.rights import Role
from tests.hub.api.stand import Stand

ROUNDS: Final = 6
WORDS: Final = (
    "", " ", "A-001", "a" * 65, "a" * 5_000, "../../etc/passwd", "%00", "\0",
    "'; DROP TABLE unit;--",
    "{{7*7}}", "急救", "\u202e", "NaN", "-1", "0", "9" * 40, "1e400", "true", "null",
    "<script>alert(1)</script>", "vitals", "position", "ecg",
    "0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b",
)  # fmt: skip
VALUES: Final[tuple[object, ...]] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**70, 10**300, 1.5, [], {}, [[]], {"a": {"b": [None]}},
    ["x"] * 1000, *WORDS,
)  # fmt: skip
SPOKEN_BY_ITSELF: Final = "DELETE /api/v1/session"  # ends the session that the rest needs


def operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in sorted(schema["paths"].items()):
        for method, operation in sorted(methods.items()):
            if f"{method.upper()} {path}" != SPOKEN_BY_ITSELF:
                yield method.upper(), path, operation


def url(path: str, operation: Mapping[str, Any], rng: random.Random) -> str:
    query = []
    for parameter in operation.get("parameters", []):
        word = rng.choice(WORDS)
        if parameter["in"] == "path":
            path = path.replace("{" + parameter["name"] + "}", quote(word or "x", safe=""))
        elif rng.random() < 0.8:
            query.append(f"{parameter['name']}={quote(word, safe='')}")
    return f"{path}?{'&'.join(query)}" if query else path


def names_of(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    contents = operation.get("requestBody", {}).get("content", {}).values()
    names: list[str] = []
    for content in contents:
        reference = content.get("schema", {}).get("$ref", "")
        found = schema["components"]["schemas"].get(reference.rsplit("/", 1)[-1], {})
        names += found.get("properties", {})
    return names


def body(names: list[str], rng: random.Random) -> object:
    if rng.random() < 0.2:
        return rng.choice(VALUES)
    return {name: rng.choice(VALUES) for name in names if rng.random() < 0.9}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("role", [None, *Role])
async def test_no_question_is_answered_with_a_fault(stand: Stand, role: Role | None) -> None:
    rng = random.Random(str(role))
    schema = stand.app.openapi()
    for method, path, operation in operations(schema):
        names = names_of(operation, schema)
        for _ in range(ROUNDS):
            asked = url(path, operation, rng)
            json = body(names, rng) if names else None
            answer = await stand.ask(method, asked, role=role, json=json)
            # 503 is the right answer of a hub whose media do not run
            is_known = answer.status_code < 500 or answer.json()["code"] == "media.down"
            assert is_known, (method, asked, json, answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", asked
                assert "Traceback" not in answer.text


RAW: Final = (
    b"", b"{", b"[" * 100_000, b'{"unit": NaN}', b'{"unit": "\\ud800"}', b"\xff\xfe", b"null",
    b'{"username": "doctor", "username": "x", "password": 1}', b"9" * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
async def test_what_is_no_json_is_said_to_be_none(stand: Stand, raw: bytes) -> None:
    for path in ("/api/v1/session", "/api/v1/encounters", "/api/v1/units", "/api/v1/media/tokens"):
        for role in (Role.DOCTOR, Role.ADMINISTRATOR):
            answer = await stand.ask(
                "POST", path, role=role, content=raw, headers={"content-type": "application/json"}
            )
            assert 400 <= answer.status_code < 500, (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_without_end_is_cut_off(stand: Stand) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    answer = await stand.ask(
        "POST", "/api/v1/session", content=endless(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
