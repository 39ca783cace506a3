"""Media: WHIP in, WHEP out, forwarded without transcoding in a process of its own."""

from hub.media.backend import CameraView, MediaCounts, SourceId, TalkerView, TalksView, TalkView
from hub.media.client import MediaClient
from hub.media.errors import (
    MediaBusyError,
    MediaDownError,
    OfferRefusedError,
    StaleSessionError,
    TokenError,
)
from hub.media.lasting import Lasting
from hub.media.process import MediaProcess
from hub.media.routes import Authorise, Looked, MediaPrincipal, Talking, media_router
from hub.media.settings import MediaSettings
from hub.media.tokens import Claims, MediaTokens

__all__ = [
    "Authorise", "CameraView", "Claims", "Lasting", "Looked", "MediaBusyError", "MediaClient",
    "MediaCounts", "MediaDownError", "MediaPrincipal", "MediaProcess", "MediaSettings",
    "MediaTokens", "OfferRefusedError", "SourceId", "StaleSessionError", "TalkView", "TalkerView",
    "Talking", "TalksView", "TokenError",
    "media_router",
]  # fmt: skip
