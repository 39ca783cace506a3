"""UDP ports out of a range, the same on every address."""

import contextlib

import pytest

from hub.media.errors import MediaBusyError
from hub.media.ice import addresses_of, bind_same_port
from hub.media.ports import PortRange
from tests.hub.media.relay import free_ports


@pytest.mark.parametrize("text", ["", "41000", "41000-", "-1", "0-5", "5-4", "1-70000", "a-b"])
def test_a_text_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ports"):
        PortRange.parse(text)


def test_ports_are_handed_out_in_turn() -> None:
    ports = PortRange.parse("5000-5002")
    assert [next(ports.candidates()) for _ in range(5)] == [5000, 5001, 5002, 5000, 5001]
    assert sorted(ports.candidates()) == [5000, 5001, 5002]


def test_one_port_is_bound_on_every_address() -> None:
    with contextlib.ExitStack() as stack:
        bound = bind_same_port(("127.0.0.1", "127.0.1.7"), PortRange.parse("0"))
        for each in bound:
            stack.enter_context(each)
        assert len({each.getsockname()[1] for each in bound}) == 1
        assert [each.getsockname()[0] for each in bound] == ["127.0.0.1", "127.0.1.7"]


def test_a_range_that_is_used_up_says_busy_and_leaks_nothing() -> None:
    taken = free_ports(2)
    ports = PortRange(first=taken[0], last=taken[-1])
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            for each in bind_same_port(("127.0.0.1",), ports):
                stack.enter_context(each)
        with pytest.raises(MediaBusyError):
            bind_same_port(("127.0.0.1",), ports)
    for each in bind_same_port(("127.0.0.1",), ports):
        each.close()


def test_a_wildcard_means_loopback_too() -> None:
    assert "127.0.0.1" in addresses_of("0.0.0.0")  # noqa: S104 - nothing is bound
    assert addresses_of("127.0.0.1") == ("127.0.0.1",)
