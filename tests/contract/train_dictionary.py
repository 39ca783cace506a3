"""Trains a dictionary for packed frames on what journals hold; run by hand, for a new wire version.

`python tests/contract/train_dictionary.py OUT JOURNAL …`. The dictionary that frames name `z` was
made so from the journals of a two-minute demo and the golden bodies, and is never made again: what
was packed with it must stay readable. Another one gets a key of its own.
"""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cbor2
import zstandard

SIZE_BYTES: Final = 8 * 1024
OF_EACH: Final = 250
_WEIGHT: Final = 3  # of the whole; the trainer wants many times the dictionary's size


def main() -> None:
    """Write the dictionary to the first argument."""
    out, journals = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    samples: list[bytes | bytearray | memoryview] = [*_golden()] * _WEIGHT
    for journal in journals:
        samples.extend(_samples(journal))
    trained = zstandard.train_dictionary(SIZE_BYTES, samples * _WEIGHT, level=19)
    out.write_bytes(trained.as_bytes())


def _golden() -> list[bytes]:
    """Return the records of the golden frames that are not packed."""
    folder = Path(__file__).parent / "golden"
    frames = [cbor2.loads(path.read_bytes()) for path in sorted(folder.glob("v1.*.cbor"))]
    return [
        cbor2.dumps([[captured, _without_data(body)]])
        for frame in frames
        for captured, body in frame.get("r", ())
    ]


def _samples(journal: Path) -> Iterator[bytes]:
    connection = sqlite3.connect(journal)
    for (stream,) in connection.execute("SELECT stream FROM stream").fetchall():
        for captured, body in connection.execute(
            "SELECT captured_utc_us, body FROM record WHERE stream = ? ORDER BY seq LIMIT ?",
            (stream, OF_EACH),
        ):
            yield cbor2.dumps([[captured, _without_data(body)]])


def _without_data(body: bytes) -> bytes:
    """Return `body` with hardly any of its samples: they are as good as random."""
    fields = cbor2.loads(body)
    if "data" in fields:
        fields["data"] = fields["data"][:8]
    return cbor2.dumps(fields)


if __name__ == "__main__":
    main()
