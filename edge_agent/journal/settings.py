"""Settings of the journal."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class JournalSettings(BaseModel):
    """How much the vehicle keeps, and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep_acknowledged_s: Annotated[float, Field(ge=0, le=604_800)] = Field(
        default=7200.0,
        description="records that the hub has stay this long for the tablet's own trends, s",
    )
    keep_unsent_s: Annotated[float, Field(ge=3600, le=31_536_000)] = Field(
        default=604_800.0,
        description="bulk records that the hub lacks are given up after this long, s; alarms,"
        " status, charts and triage never",
    )
    largest_bytes: Annotated[int, Field(ge=16 * 2**20, le=2**44)] = Field(
        default=8 * 2**30, description="the journal's file grows no larger than this, bytes"
    )
    least_free_bytes: Annotated[int, Field(ge=0, le=2**40)] = Field(
        default=64 * 2**20,
        description="with less free on its disk the journal gives back what it can, bytes",
    )
    group_commit_s: Annotated[float, Field(gt=0, le=0.2)] = Field(
        default=0.1, description="bulk records are committed at most this much later, s"
    )
    key_file: Path | None = Field(
        default=None,
        description="file with the 64 hexadecimal digits of the key that encrypts the journal",
    )


def trace_of(journal: Path) -> Path:
    """Return where the trace of the sender over the journal at `journal` stands."""
    return journal.with_name(f"{journal.stem}-trace.jsonl")
