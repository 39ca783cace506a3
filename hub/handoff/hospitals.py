"""The hospitals to which one can hand over: a JSON file, see docs/HOSPITALS.md."""

import hashlib
import json
import ssl
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from protocols.errors import ConfigError, LocalProtocolError
from protocols.ids import HospitalId, TopicSafe
from protocols.messages import HospitalEntry, HospitalsOrder

MOST_HOSPITALS: Final = 200
"""What one order to a tablet holds; it must also fit one record."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Hospital(BaseModel):
    """One hospital and how its FHIR server is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hospital_id: TopicSafe
    name: Annotated[str, Field(min_length=1, max_length=120)]
    fhir_url: Annotated[str, Field(pattern=r"^https?://[^\s@?#]+$", max_length=400)]
    """The FHIR base, without a slash at its end."""

    insecure_http: bool = False
    """Let the record travel unencrypted to another machine: on a line that is private already."""

    send: Literal["put", "post"] = "put"
    """`put`: as `Bundle/{id}`, which cannot double; `post`: conditional create (If-None-Exist)."""

    token_file: Path | None = None  # bearer token
    ca_file: Path | None = None  # certificate authority (PEM) of the server

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        parts = urlsplit(self.fhir_url)
        if not parts.hostname or (parts.port is not None and parts.port == 0):
            raise ValueError("fhir_url names no server")
        is_here = parts.hostname in _LOOPBACK
        if parts.scheme == "http" and not (is_here or self.insecure_http):
            raise ValueError("fhir_url must be https, or insecure_http be true")
        return self

    @property
    def base_url(self) -> str:
        """The FHIR base."""
        return self.fhir_url.rstrip("/")


Hospitals = Mapping[HospitalId, Hospital]


def read_hospitals(file: Path | None) -> Hospitals:
    """Return the hospitals listed in `file`; none without one.

    Raises:
        ConfigError: it cannot be read, or is not such a list.
    """
    if file is None:
        return {}
    try:
        listed = TypeAdapter(list[Hospital]).validate_python(json.loads(file.read_text()))
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(reason="cannot read the list of hospitals", file=str(file)) from err
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            reason="the list of hospitals is wrong", file=str(file), at=where, detail=first["msg"]
        ) from err
    except ValueError as err:
        raise ConfigError(reason="the list of hospitals is not JSON", file=str(file)) from err
    found = {HospitalId(hospital.hospital_id): hospital for hospital in listed}
    if len(found) != len(listed):
        raise ConfigError(reason="a hospital_id appears twice", file=str(file))
    if len(found) > MOST_HOSPITALS:
        raise ConfigError(reason="too many hospitals", file=str(file), most=MOST_HOSPITALS)
    try:
        HospitalsOrder(
            order_id=str(uuid.UUID(int=0)),
            hospitals=told_of(found),
            given_utc_us=0,
            expires_utc_us=0,
        ).to_body()
    except LocalProtocolError as err:
        raise ConfigError(reason="the hospitals' names are too long", file=str(file)) from err
    for hospital in listed:
        _check_files(hospital)
    return found


def trusted_by(hospital: Hospital) -> ssl.SSLContext:
    """Return what the hospital's server is verified by.

    Raises:
        OSError: the certificate authority's file cannot be read, or holds none.
    """
    return ssl.create_default_context(cafile=hospital.ca_file)


def _check_files(hospital: Hospital) -> None:
    for needed in (hospital.token_file, hospital.ca_file):
        if needed is not None and not needed.is_file():
            raise ConfigError(reason="a hospital's file is not there", file=str(needed))
    try:
        trusted_by(hospital)
    except OSError as err:  # ssl.SSLError is one
        raise ConfigError(
            reason="a hospital's ca_file holds no certificate authority",
            hospital_id=hospital.hospital_id,
            file=str(hospital.ca_file),
        ) from err


def told_of(hospitals: Hospitals) -> tuple[HospitalEntry, ...]:
    """Return what crews are told: ids and names."""
    return tuple(
        HospitalEntry(hospital_id=one.hospital_id, name=one.name) for one in hospitals.values()
    )


def digest_of(hospitals: Hospitals) -> bytes:
    """Return the SHA-256 of what crews are told."""
    told = [[one.hospital_id, one.name] for one in told_of(hospitals)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).digest()
