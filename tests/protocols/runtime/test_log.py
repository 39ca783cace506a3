"""What a log line says, and what it never says."""

import asyncio
import io
import json
import logging
from typing import Any

import pytest

from protocols.runtime.log import JsonFormatter

NAME = "王小明"


def logged(err: Exception, **facts: str) -> dict[str, Any]:
    """Return the line of an exception, as a file would have it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(program="hub"))
    logger = logging.Logger("hub.test")  # noqa: LOG001 -- of this test alone
    logger.addHandler(handler)
    try:
        raise err  # noqa: TRY301 -- so that it has a place
    except Exception:
        logger.exception("part.failed", extra=facts)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_an_exception_is_told_by_type_and_place_and_never_by_its_words() -> None:
    cause = ValueError(f"invalid: {NAME}")
    err = RuntimeError(f"cannot write {NAME}")
    err.__cause__ = cause
    line = logged(err)
    assert [entry.split()[0] for entry in line["exception"]] == [
        "builtins.RuntimeError", "builtins.ValueError",
    ]  # fmt: skip
    assert f"{__file__}:" in line["exception"][0]
    assert NAME not in json.dumps(line, ensure_ascii=False)


async def test_what_failed_within_a_group_is_told() -> None:
    async def fail() -> None:
        raise KeyError(NAME)

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    line = logged(caught.value)
    assert any(entry.startswith("builtins.KeyError at ") for entry in line["exception"])
    assert NAME not in json.dumps(line, ensure_ascii=False)


def test_facts_that_are_secret_are_masked() -> None:
    line = logged(ValueError(), unit="A-001", access_token="abc")  # noqa: S106 -- of nobody
    assert (line["unit"], line["access_token"]) == ("A-001", "***")
