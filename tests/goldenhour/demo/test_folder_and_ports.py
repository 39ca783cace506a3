"""One demo a folder; a port in use is one clear sentence."""

import contextlib
import socket
import stat
from pathlib import Path

import pytest

from goldenhour.demo import ports
from goldenhour.demo.folder import opened
from goldenhour.exits import sentence_of
from protocols.errors import ConfigError


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "demo"):
        second = opened(tmp_path / "demo")
        with pytest.raises(ConfigError, match="another demo"):
            second.__enter__()
    with opened(tmp_path / "demo"):
        pass


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot use the folder"), opened(tmp_path / "file"):
        pass


def test_the_card_is_for_its_owner_and_is_found_again(tmp_path: Path) -> None:
    with opened(tmp_path / "demo") as folder:
        assert folder.read_card() == {}
        folder.write_card({"accounts": [{"name": "陈医生"}]})
        assert stat.S_IMODE(folder.card.stat().st_mode) == 0o600
        assert folder.read_card() == {"accounts": [{"name": "陈医生"}]}


def test_a_damaged_card_is_a_wrong_setting(tmp_path: Path) -> None:
    with opened(tmp_path / "demo") as folder:
        folder.card.write_text("{")
        with pytest.raises(ConfigError, match="damaged"):
            folder.read_card()


def test_a_port_in_use_is_named_with_what_wanted_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refusal:
            ports.consecutive(port, 1, names=["the hub's pages"])
    sentence = sentence_of(refusal.value)
    assert sentence is not None
    assert str(port) in sentence
    assert "the hub's pages" in sentence
    assert "--port" in sentence


def test_a_port_beyond_the_last_is_refused() -> None:
    with pytest.raises(ConfigError, match="70000"):
        ports.consecutive(70_000, 1, names=["x"])


def test_free_ports_differ_and_can_be_bound() -> None:
    found = ports.consecutive(0, 20, names=["x"] * 20)
    assert len(set(found)) == 20
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_udp_range_skips_what_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = ports.udp_range(24)
    monkeypatch.setattr(ports, "_UDP_FIRST", first)
    monkeypatch.setattr(ports, "_UDP_LAST", first + 25)  # three ranges of 8 and no more
    with contextlib.ExitStack() as held:
        for taken in (first, first + 23):
            probe = held.enter_context(contextlib.closing(socket.socket(type=socket.SOCK_DGRAM)))
            probe.bind((ports.LOOPBACK, taken))
        for _ in range(8):
            assert ports.udp_range(8) == (first + 8, first + 15)
