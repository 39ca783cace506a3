"""The live feed: what a hub or a vehicle tells a screen over one WebSocket.

Text messages are JSON objects with a `t`; binary messages are waveforms. The same feed serves the
hub's screens and the vehicle's own tablet, so the web apps read one format.
"""

from protocols.live.advice import AdviceChanged, AdviceStep, MedicationView, PictureView
from protocols.live.feed import (
    AlarmView,
    Backfilled,
    EncounterChanged,
    FeedModel,
    FleetChanged,
    HandoffChanged,
    Hello,
    LinkView,
    RecordSeen,
    Tick,
    UnitView,
    Watch,
)
from protocols.live.wave import WaveHeader, encode_wave, wave_of

__all__ = [
    "AdviceChanged", "AdviceStep", "AlarmView", "Backfilled", "EncounterChanged", "FeedModel",
    "FleetChanged", "HandoffChanged", "Hello", "LinkView", "MedicationView", "PictureView",
    "RecordSeen", "Tick", "UnitView", "Watch", "WaveHeader", "encode_wave", "wave_of",
]  # fmt: skip
