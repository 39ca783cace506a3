"""Ports for servers."""

import socket
from pathlib import Path

from protocols.runtime.ports import free_ports


def test_free_ports_differ_and_can_be_bound() -> None:
    found = free_ports("127.0.0.1", 50)
    assert len(set(found)) == 50
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_no_client_is_given_one() -> None:
    clients = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(free_ports("127.0.0.1", 50)) < int(clients[0])
