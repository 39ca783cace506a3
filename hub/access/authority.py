"""The hub's own certificate authority: made at first start, so that vehicles can verify the hub.

Keys are ECDSA on P-256 (FIPS 186-5), certificates X.509 v3 (RFC 5280). The hub's certificate is
made anew when its names change or a third of its life is left.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocols.runtime.files import PRIVATE, write_whole

_CA_LIFE: Final = timedelta(days=3650)
_LEAF_LIFE: Final = timedelta(days=397)  # what browsers accept at most
_BACKDATED: Final = timedelta(hours=1)  # a vehicle's clock may be behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """PEM files: what to present, and by what others verify it."""

    certificate: Path
    key: Path
    ca: Path


def credentials_for(folder: Path, names: tuple[str, ...], *, now_utc_us: int) -> Credentials:
    """Return credentials made out to `names` (host names and IP addresses), made where needed.

    Raises:
        OSError: the folder cannot be written.
    """
    now = datetime.fromtimestamp(now_utc_us / 1e6, UTC)
    folder.mkdir(parents=True, exist_ok=True)
    made = Credentials(certificate=folder / "hub.pem", key=folder / "hub.key", ca=folder / "ca.pem")
    ca_key = _load_or_make_key(folder / "ca.key")
    if not made.ca.exists():
        write_whole(made.ca, _pem(_make_ca(ca_key, now)))
    ca = x509.load_pem_x509_certificate(made.ca.read_bytes())
    key = _load_or_make_key(made.key)
    if not _still_good(made.certificate, names, now):
        leaf = _make_leaf(key, ca, ca_key, names, now)
        write_whole(made.certificate, _pem(leaf) + _pem(ca))
    return made


def _load_or_make_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return key
        raise OSError(f"{path} holds no key of ours")
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_whole(path, pem, mode=PRIVATE)
    return made


def _make_ca(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Golden Hour hub authority")])
    return (
        _builder(name, name, key.public_key(), now, _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _make_leaf(
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(subject, ca.subject, key.public_key(), now, _LEAF_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _still_good(path: Path, names: tuple[str, ...], now: datetime) -> bool:
    if not path.exists():
        return False
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    stated = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(stated) == _alternatives(names) and now < leaf.not_valid_after_utc - _LEAF_LIFE / 3


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
