"""What can go wrong with media, by what the caller must do."""

from protocols.errors import AccessError, MediaError


class OfferRefusedError(MediaError):
    """The offer is well formed, but asks for what this hub does not carry; offer otherwise."""

    code = "media.offer_refused"


class MediaBusyError(MediaError):
    """Every session or port is taken; try again later."""

    code = "media.busy"


class MediaDownError(MediaError):
    """The media process does not answer; it is being started again."""

    code = "media.down"


class StaleSessionError(MediaError):
    """The request names an ICE session that is not the current one; nothing has changed."""

    code = "media.stale_session"


class TokenError(AccessError):
    """The bearer token is missing, malformed, expired or not ours; get a new one."""

    code = "access.media_token"
