"""The hub's own certificate authority: verified by those who have it, renewed in time."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from hub.access.authority import Credentials, credentials_for

NOW_US = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1e6)
NAMES = ("hub.example", "192.0.2.7")


def shaken(made: Credentials, name: str, *, ca: Path | None = None) -> None:
    """Shake hands in memory as a client that trusts `ca` and wants `name`."""
    client_context = ssl.create_default_context(cafile=str(ca or made.ca))
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(made.certificate, made.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("name", NAMES)
def test_a_client_with_the_authority_verifies_the_hub_by_name_and_by_address(
    tmp_path: Path, name: str
) -> None:
    shaken(credentials_for(tmp_path, NAMES, now_utc_us=NOW_US), name)


def test_another_name_or_another_authority_is_refused(tmp_path: Path) -> None:
    made = credentials_for(tmp_path / "one", NAMES, now_utc_us=NOW_US)
    other = credentials_for(tmp_path / "two", NAMES, now_utc_us=NOW_US)
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(made, "elsewhere.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(made, "hub.example", ca=other.ca)


def test_keys_are_for_their_owner_s_eyes_only(tmp_path: Path) -> None:
    credentials_for(tmp_path, NAMES, now_utc_us=NOW_US)
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.glob("*.key")} == {
        "ca.key": "0o600", "hub.key": "0o600",
    }  # fmt: skip


def test_a_restart_changes_nothing_and_a_new_name_changes_the_certificate_alone(
    tmp_path: Path,
) -> None:
    first = credentials_for(tmp_path, NAMES, now_utc_us=NOW_US)
    ca, leaf = first.ca.read_bytes(), first.certificate.read_bytes()
    again = credentials_for(tmp_path, NAMES, now_utc_us=NOW_US)
    assert (again.ca.read_bytes(), again.certificate.read_bytes()) == (ca, leaf)
    renamed = credentials_for(tmp_path, ("other.example",), now_utc_us=NOW_US)
    assert renamed.ca.read_bytes() == ca
    assert renamed.certificate.read_bytes() != leaf
    shaken(renamed, "other.example")


def test_it_is_renewed_when_a_third_of_its_life_is_left(tmp_path: Path) -> None:
    first = credentials_for(tmp_path, NAMES, now_utc_us=NOW_US).certificate.read_bytes()
    for days, is_new in ((200, False), (270, True)):
        later_us = NOW_US + int(timedelta(days=days).total_seconds() * 1e6)
        made = credentials_for(tmp_path, NAMES, now_utc_us=later_us).certificate.read_bytes()
        assert (made != first) is is_new


def test_the_authority_can_sign_nothing_below_another_authority(tmp_path: Path) -> None:
    made = credentials_for(tmp_path, NAMES, now_utc_us=NOW_US)
    ca = x509.load_pem_x509_certificate(made.ca.read_bytes())
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
