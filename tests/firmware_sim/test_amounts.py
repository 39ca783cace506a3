"""What people write on the command line, and what it means."""

import pytest

from firmware_sim import amounts
from firmware_sim.modem import PortPair
from protocols.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("60s", 60), ("2m", 120), ("500ms", 0.5), ("1h", 3600), ("7", 7), ("1.5 s", 1.5)],
)
def test_durations(text: str, expected: float) -> None:
    assert amounts.seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("64k", 64_000), ("1.5M", 1.5e6), ("off", 0), ("9600bps", 9600)]
)
def test_rates(text: str, expected: float) -> None:
    assert amounts.bits_per_second(text) == expected


def test_shares_and_delays() -> None:
    assert amounts.percent("5%") == amounts.percent("5") == 5
    assert amounts.milliseconds("120ms") == amounts.milliseconds("120") == 120
    assert amounts.milliseconds("1.5s") == 1500


def test_ports_and_ranges() -> None:
    assert amounts.tcp_pairs("1883,8080=18080") == (PortPair(1883, 1883), PortPair(8080, 18080))
    assert amounts.udp_pairs("41000-41001=51000-51001,9") == (
        PortPair(41000, 51000), PortPair(41001, 51001), PortPair(9, 9),
    )  # fmt: skip
    assert amounts.tcp_pairs("") == ()
    assert amounts.host_and_port("127.0.0.1:2575") == ("127.0.0.1", 2575)


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 parsecs", "1e3", "9" * 400 + "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        amounts.seconds(text)


@pytest.mark.parametrize("text", ["70000", "a", "1-2-3", "10-12=20-21", "0-65535"])
def test_what_are_no_ports_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        amounts.udp_pairs(text)


@pytest.mark.parametrize("text", ["100%", "200", "x%"])
def test_a_link_that_loses_everything_is_a_cut_and_no_loss(text: str) -> None:
    with pytest.raises(ConfigError):
        amounts.percent(text)


@pytest.mark.parametrize("text", ["2575", ":2575", "host:", "host:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        amounts.host_and_port(text)


def test_names_with_ports() -> None:
    assert amounts.named_ports("cabin=8555, front=0,") == {"cabin": 8555, "front": 0}
    assert amounts.named_ports("") == {}


@pytest.mark.parametrize(
    "text",
    [
        *("cabin", "=1", "cabin=", "cabin=x", "cabin=70000", "a b=1", "a=1,a=2", "cabin=-1"),
        ",".join(f"c{n}=0" for n in range(9)),
    ],
)
def test_what_are_no_names_with_ports_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        amounts.named_ports(text)
