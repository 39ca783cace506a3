"""A frame that was ever sent is still understood, and the published schema describes it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from protocols.link.frame import decode_frame, encode_frame
from protocols.link.projection import frame_as_json
from protocols.messages import KINDS, interlead, parse_body
from protocols.messages.samples import decode_samples
from protocols.messages.waveform import WaveformBlock, WaveformEncoding
from tests.contract.golden_frames import FOLDER, SALVAGED, bodies, ecg, frame_of, name_of, salvaged

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
    assert {name_of(*pair) for pair in bodies()} <= {golden.stem for golden in GOLDEN}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_frame_still_decodes_to_what_it_said(golden: Path) -> None:
    frame = decode_frame(golden.read_bytes())
    assert frame_as_json(frame) == expected(golden)
    assert all(parse_body(frame.stream, record.body) for record in frame.records)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_the_published_schema_describes_a_golden_frame(golden: Path) -> None:
    validator("frame.json").validate(expected(golden))
    body = expected(golden)["r"][0][1]
    validator(f"{expected(golden)['s']}.{body['kind']}.json").validate(body)


@pytest.mark.parametrize("pair", list(bodies()), ids=lambda pair: name_of(*pair))
def test_today_s_encoder_writes_what_a_golden_frame_holds(pair: tuple[Any, Any]) -> None:
    frame = frame_of(*pair)
    golden = FOLDER / f"{name_of(*pair)}.json"
    assert frame_as_json(decode_frame(encode_frame(frame))) == json.loads(golden.read_text())


def test_today_s_encoder_writes_what_the_golden_salvaged_frame_holds() -> None:
    golden = json.loads((FOLDER / f"{SALVAGED}.json").read_text())
    assert frame_as_json(decode_frame(encode_frame(salvaged()))) == golden


@pytest.mark.parametrize("encoding", WaveformEncoding)
def test_golden_samples_decode_to_the_same_integers(encoding: WaveformEncoding) -> None:
    raw = (FOLDER / f"v1.waveform.waveform.{encoding.value}.cbor").read_bytes()
    block = parse_body(decode_frame(raw).stream, decode_frame(raw).records[0].body)
    assert isinstance(block, WaveformBlock)
    assert decode_samples(block).tolist() == decode_samples(ecg(WaveformEncoding.INT32_LE)).tolist()


def test_golden_leads_decode_to_the_same_integers() -> None:
    """Twelve leads with beats, derived leads, a lead that falls off, and a quiet one."""
    leads = json.loads((FOLDER / "interlead.twelve-leads.json").read_text())
    raw = (FOLDER / "interlead.twelve-leads.bin").read_bytes()
    assert interlead.decode(raw, channels=12, count=len(leads[0])).tolist() == leads
    assert len(interlead.encode(np.array(leads, np.int32))) <= len(raw)


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
