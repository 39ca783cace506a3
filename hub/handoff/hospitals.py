"""The hospitals to which one can hand over: a JSON file, see docs/HOSPITALS.md."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from protocols.errors import ConfigError
from protocols.ids import HospitalId, TopicSafe


class Hospital(BaseModel):
    """One hospital and how its FHIR server is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hospital_id: TopicSafe
    name: Annotated[str, Field(min_length=1, max_length=120)]
    fhir_url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=400)]
    """The FHIR base, without a slash at its end."""

    send: Literal["put", "post"] = "put"
    """`put`: as `Bundle/{id}`, which cannot double; `post`: conditional create (If-None-Exist)."""

    token_file: Path | None = None  # bearer token
    ca_file: Path | None = None  # certificate authority (PEM) of the server

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
    for hospital in listed:
        for needed in (hospital.token_file, hospital.ca_file):
            if needed is not None and not needed.is_file():
                raise ConfigError(reason="a hospital's file is not there", file=str(needed))
    return found


def digest_of(hospitals: Hospitals) -> bytes:
    """Return the SHA-256 of what crews are told: ids and names."""
    told = [[one.hospital_id, one.name] for one in hospitals.values()]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).digest()
