"""A frame that was ever sent is still understood, and the published schema describes it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from protocols.link.frame import encode_frame
from protocols.link.frame_reader import decode_frame
from protocols.link.projection import frame_as_json
from protocols.messages import KINDS, interlead, interlead3, parse_body
from protocols.messages.samples import decode_samples
from protocols.messages.waveform import WaveformBlock, WaveformEncoding
from tests.contract.golden_frames import (
    FOLDER,
    SALVAGED,
    bodies,
    ecg,
    frame_of,
    golden,
    name_of,
    salvaged,
    twelve_leads,
)

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
GOLDEN = sorted(FOLDER.glob("*.cbor"))


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


def expected(golden: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(golden.with_suffix(".json").read_text())
    return found


def test_every_kind_of_body_has_a_golden_frame() -> None:
    kinds = {(stream, kind) for stream, models in KINDS.items() for kind in models}
    assert {(stream, message.kind) for stream, message in bodies()} == kinds
    assert {f"{golden(name_of(*pair)).name}.cbor" for pair in bodies()} <= {
        file.name for file in GOLDEN
    }


@pytest.mark.parametrize("file", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_frame_still_decodes_to_what_it_said(file: Path) -> None:
    frame = decode_frame(file.read_bytes())
    assert frame_as_json(frame) == expected(file)
    assert all(parse_body(frame.stream, record.body) for record in frame.records)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda path: path.stem)
def test_the_published_schema_describes_a_golden_frame(file: Path) -> None:
    validator("frame.json").validate(expected(file))
    body = expected(file)["r"][0][1]
    validator(f"{expected(file)['s']}.{body['kind']}.json").validate(body)


@pytest.mark.parametrize("pair", list(bodies()), ids=lambda pair: name_of(*pair))
def test_today_s_encoder_writes_what_a_golden_frame_holds(pair: tuple[Any, Any]) -> None:
    frame = frame_of(*pair)
    file = golden(name_of(*pair))
    said = json.loads(file.with_name(f"{file.name}.json").read_text())
    assert frame_as_json(decode_frame(encode_frame(frame))) == said


def test_today_s_encoder_writes_what_the_golden_salvaged_frame_holds() -> None:
    said = json.loads((FOLDER / f"{SALVAGED}.json").read_text())
    assert frame_as_json(decode_frame(encode_frame(salvaged()))) == said


@pytest.mark.parametrize("encoding", WaveformEncoding)
def test_golden_samples_decode_to_the_same_integers(encoding: WaveformEncoding) -> None:
    file = golden(f"v1.waveform.waveform.{encoding.value}")
    raw = file.with_name(f"{file.name}.cbor").read_bytes()
    block = parse_body(decode_frame(raw).stream, decode_frame(raw).records[0].body)
    assert isinstance(block, WaveformBlock)
    assert decode_samples(block).tolist() == decode_samples(ecg(WaveformEncoding.INT32_LE)).tolist()


@pytest.mark.parametrize(("form", "name"), [(1, "interlead"), (2, "interlead-2")])
def test_golden_leads_decode_to_the_same_integers(form: int, name: str) -> None:
    leads = twelve_leads()
    raw = (FOLDER / f"{name}.twelve-leads.bin").read_bytes()
    read = interlead.decode(raw, channels=12, count=leads.shape[1], form=form)
    np.testing.assert_array_equal(read, leads)


def test_golden_leads_of_today_decode_to_the_same_integers_and_are_written_as_they_were() -> None:
    leads = twelve_leads()
    raw = (FOLDER / "interlead-3.twelve-leads.bin").read_bytes()
    read = interlead3.decode(raw, channels=12, count=leads.shape[1])
    np.testing.assert_array_equal(read, leads)
    assert interlead3.encode(leads) == raw


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("s",), "gossip"),
        (("v",), 2),
        (("n",), 0),
        (("r", 0, 1, "heart_rate_bpm"), 4000),
        (("r", 0, 1, "kind"), "alarm"),
        (("r", 0, 0), "soon"),
    ],
)
def test_the_schema_refuses_a_frame_with_a_wrong_field(where: tuple[Any, ...], value: Any) -> None:
    frame = expected(FOLDER / "v1.vitals.vitals.cbor")
    target: Any = frame
    for step in where[:-1]:
        target = target[step]
    target[where[-1]] = value
    assert not validator("frame.json").is_valid(frame)
