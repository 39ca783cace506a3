"""`goldenhour journal`: what a person sees of a journal, beside the agent that writes to it."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge_agent.journal.command import app
from edge_agent.journal.settings import trace_of
from edge_agent.uplink.trace import LARGEST_BYTES, Trace, trace_files
from protocols.errors import StoreCorruptError
from protocols.ids import JournalId
from protocols.link import Ack, Held, Sender, Stream
from protocols.link.sender import LATE, Lost
from tests.edge_agent.journal.filling import accept, alarm, place, pulse, running
from tests.edge_agent.uplink.ground import ground
from tests.fakes.clock import FakeClock


def ask(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


async def test_show_tells_of_a_live_file_what_waits_and_what_was_given_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        for number in range(1, 6):
            await accept(journal, Stream.VITALS, pulse(60), number * 1_000_000)
        await journal.acknowledged(Stream.VITALS, Held(watermark=2))
        await accept(journal, Stream.ALARM, alarm(1))
        found = json.loads(ask("show", str(path), "--json").output)
        table = ask("show", str(path)).output
    rows = {row["stream"]: row for row in found["streams"]}
    assert found["journal"] == journal.id
    assert (rows["vitals"]["last_seq"], rows["vitals"]["waiting"]) == (5, 3)
    assert rows["vitals"]["oldest_waiting_utc_us"] == 3_000_000
    assert "vitals" in table
    assert journal.id in table


async def test_verify_finds_a_bent_record_and_one_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        for number in range(1, 11):
            await accept(journal, Stream.VITALS, pulse(60 + number), number)
        sound = ask("verify", str(path))
        assert (sound.exit_code, sound.output.strip()) == (0, "sound")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM record WHERE stream = 'vitals' AND seq BETWEEN 4 AND 5")
        connection.execute("UPDATE record SET captured_utc_us = 99 WHERE seq = 7")
        connection.execute("UPDATE record SET clock = 'gnsz' WHERE seq = 8")
    connection.close()
    wrong = ask("verify", str(path))
    assert wrong.exit_code == 1
    assert wrong.output.splitlines() == [
        "bent on the disk: vitals 7",
        "bent on the disk: vitals 8",
        "missing without a word: vitals 4–5",
    ]


async def test_verify_says_that_a_cut_file_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        for number in range(1, 200):
            await accept(journal, Stream.POSITION, place(), number)
            if number > 3:
                await journal.flush()
                break
        for number in range(300):
            await accept(journal, Stream.VITALS, pulse(60, source="x" * 100), number)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    wrong = ask("verify", str(path))
    assert wrong.exit_code == 1
    assert "damaged" in wrong.output


async def test_export_prints_records_as_json_from_a_time_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as journal:
        for second in range(5):
            await accept(journal, Stream.VITALS, pulse(60 + second), second * 1_000_000)
        said = ask("export", str(path), "--stream", "vitals", "--since", "1970-01-01T00:00:03")
    records = [json.loads(line) for line in said.output.splitlines()]
    assert [(one["seq"], one["body"]["pulse_bpm"]) for one in records] == [(4, 63), (5, 64)]
    assert ask("export", str(path), "--stream", "nothing").exit_code == 2


async def test_trace_tells_why_each_frame_left(tmp_path: Path) -> None:
    async with ground(tmp_path) as there:
        await there.accept(Stream.ALARM, alarm(1))
        await there.accept(Stream.VITALS, pulse(60))
        await there.until(there.has_all)
        trace = trace_of(there.journal.path)
        await there.until(lambda: trace.exists() and '"vitals"' in trace.read_text())
        said = ask("trace", str(there.journal.path)).output
        alarms = ask("trace", str(there.journal.path), "--stream", "alarm", "--json").output
    assert "joined" in said
    assert "alarm 1–1" in said
    assert [json.loads(line)["why"] for line in alarms.splitlines()] == ["urgent"]


def test_the_trace_says_what_is_sent_again_and_why(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "journal-trace.jsonl", FakeClock())
    trace.lost([Lost("main", (Stream.VITALS, 3, 5), LATE)])
    trace.flush()
    said = ask("trace", str(tmp_path / "journal.db")).output
    assert "vitals 3–5" in said
    assert f"sent again: {LATE}" in said


def test_a_trace_never_grows_past_its_two_files(tmp_path: Path) -> None:
    path = tmp_path / "journal-trace.jsonl"
    trace = Trace(path, FakeClock())
    journal = JournalId("0b8f7c1e-6a0c-4b52-9d7e-0f7f6d1c2a3b")
    sender = Sender(journal=journal, last={Stream.VITALS: 1}, acked={})
    sender.connected(now_s=0)
    plan = sender.plan(now_s=0)
    assert plan is not None
    for _ in range(12):
        for _ in range(5_000):
            trace.sent(plan, sender, last_seq=1, size_bytes=100)
        trace.flush()
    trace.acked(Ack(journal=journal, streams={}, committed_utc_us=0), path="main")
    trace.flush()
    assert len(trace_files(path)) == 2
    assert sum(file.stat().st_size for file in trace_files(path)) < 2 * LARGEST_BYTES + 2_000_000


def test_no_such_journal_is_said_in_one_sentence(tmp_path: Path) -> None:
    missing = ask("show", str(tmp_path / "nothing.db"))
    assert missing.exit_code != 0
    assert "nothing.db" in str(missing.exception)


@pytest.mark.parametrize("content", [b"", b"no database at all", bytes(4096)])
@pytest.mark.parametrize("words", [("show",), ("verify",), ("export", "--stream", "vitals")])
def test_a_file_that_is_no_journal_is_told_with_what_to_do(
    tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(content)
    found = ask(words[0], str(path), *words[1:])
    assert found.exit_code == 1
    said = found.output + str(found.exception)
    assert "this is no journal" in said
    assert "--key-file" in said
    assert path.read_bytes() == content


def test_a_page_that_is_damaged_is_told_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def fill() -> None:
        async with running(path) as journal:
            for number in range(300):
                await accept(journal, Stream.VITALS, pulse(60, source="x" * 100), number)

    asyncio.run(fill())
    page = bytearray(path.read_bytes())
    for at in range(8 * 4096, len(page), 4096):
        page[at : at + 64] = bytes(64)
    path.write_bytes(page)
    found = ask("export", str(path), "--stream", "vitals")
    assert isinstance(found.exception, StoreCorruptError)
    assert "takes from it what it can" in str(found.exception)
