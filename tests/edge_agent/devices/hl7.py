"""Messages written by hand, as monitors of several makers write them."""

import asyncio
from collections.abc import Sequence

VT, FS = b"\x0b", b"\x1c"
AT = "20270115160000.0000+0800"
"""When the messages say that they were sent: 2027-01-15 08:00:00 UTC."""

AT_UTC_US = 1_800_000_000_000_000


def header(*, control_id: str = "1", kind: str = "ORU^R01^ORU_R01", charset: str = "") -> str:
    return (
        f"MSH|^~\\&|MONITOR^0011223344556677^EUI-64||||{AT}||{kind}|{control_id}|P|2.6"
        f"|||AL|NE||{charset}"
    )


def obx(  # noqa: PLR0913 -- the fields of an OBX
    code: str,
    value: str,
    unit: str = "",
    *,
    kind: str = "NM",
    place: str = "1.1.1.1",
    flags: str = "",
    status: str = "R",
    at: str = "",
) -> str:
    return f"OBX|1|{kind}|{code}|{place}|{value}|{unit}||{flags}|||{status}|||{at}"


def message(*segments: str, head: str | None = None, at: str = AT, end: str = "") -> str:
    """Return a message whose one OBR began at `at` and, if given, ended at `end`."""
    obr = f"OBR|1|||182777000^monitoring of patient^SCT|||{at}|{end}"
    return "\r".join([header() if head is None else head, "PID|||||^^", obr, *segments]) + "\r"


def wave(  # noqa: PLR0913 -- a waveform and its attributes
    code: str,
    values: Sequence[int] | str,
    *,
    place: str = "1.5.1.131330",
    rate: str = "500",
    resolution: str | None = "2.5",
    unit: str = "266419^MDC_DIM_MICRO_VOLT^MDC",
    missing: str | None = None,
) -> list[str]:
    """Return a waveform's OBX and its attributes'."""
    text = values if isinstance(values, str) else "^".join(map(str, values))
    rows = [obx(code, text, "262656^MDC_DIM_DIMLESS^MDC", kind="NA", place=place)]
    rate_unit = "264608^MDC_DIM_PER_SEC"
    rows.append(obx("0^MDC_ATTR_SAMP_RATE^MDC", rate, rate_unit, place=f"{place}.1"))
    if resolution is not None:
        rows.append(obx("2327^MDC_ATTR_NU_MSMT_RES^MDC", resolution, unit, place=f"{place}.2"))
    if missing is not None:
        rows.append(obx("262196^MDC_EVT_INOP^MDC", missing, place=f"{place}.3"))
    return rows


class Client:
    """A monitor's end of the wire: sends blocks, reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.writer.write(VT + data + FS + b"\r")
        await self.writer.drain()

    async def answer(self) -> str:
        async with asyncio.timeout(5):
            block = await self.reader.readuntil(FS + b"\r")
        return block.strip(VT + FS + b"\r").decode()

    async def ask(self, text: str | bytes) -> str:
        """Return the acknowledgement code that `text` is answered with."""
        await self.send(text)
        return (await self.answer()).split("MSA|")[1][:2]

    def close(self) -> None:
        self.writer.transport.abort()
