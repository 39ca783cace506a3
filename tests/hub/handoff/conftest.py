"""A hospital: somebody else's FHIR server, on loopback."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from protocols.runtime.ports import free_port

START_S = 30


@contextmanager
def serving(
    folder: Path, port: int, *, authority: Path | None = None, **more: object
) -> Iterator[str]:
    """Run `sekmet serve` at `port` with its data in `folder`; yield its FHIR base.

    `more` goes into its settings; with `authority` (PEM), it speaks TLS.
    """
    base = f"{'https' if authority else 'http'}://127.0.0.1:{port}/fhir"
    folder.mkdir(exist_ok=True)
    settings = folder / "settings.yaml"
    settings.write_text(
        json.dumps(
            {
                "base_url": base,
                "data_dir": str(folder),
                "own_private_key_path": str(folder / "key.pem"),
                "simulator": {"enabled": False},
                **more,
            }
        )
    )
    program = Path(sys.executable).with_name("sekmet")
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 -- the peer under test
            [program, "serve", "--config", settings, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    try:
        _wait(
            process,
            base,
            ssl.create_default_context(cafile=authority),
        )
        yield base
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def hospital_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base of a hospital that stays up."""
    with serving(tmp_path_factory.mktemp("hospital"), free_port("127.0.0.1")) as base:
        yield base


def _wait(process: subprocess.Popen[bytes], base: str, verify: ssl.SSLContext) -> None:
    deadline_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            if httpx2.get(f"{base}/metadata", timeout=5, verify=verify).is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the hospital did not start")
