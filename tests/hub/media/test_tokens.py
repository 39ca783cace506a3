"""Media tokens open one camera, for one action, for a while."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.media import MediaTokens, SourceId, TokenError
from hub.media.sdp import Role
from protocols.ids import CameraId, UnitId
from tests.fakes.clock import FakeClock

SOURCE = SourceId(UnitId("amb-1"), CameraId("patient"))


def tokens(clock: FakeClock, letter: str = "s", size: int = 32) -> MediaTokens:
    return MediaTokens(secret=letter * size, ttl_s=60, clock=clock)


def test_a_token_says_who_may_do_what() -> None:
    clock = FakeClock()
    granted = tokens(clock).grant(subject="dr-wu", source=SOURCE, action=Role.PLAY)
    claims = tokens(clock).check(granted.token)
    assert (claims.sub, claims.source, claims.act) == ("dr-wu", SOURCE, "play")
    assert 0 < granted.expires_utc_us - clock.utc_us() <= 60_000_000


async def test_a_token_ends() -> None:
    clock = FakeClock()
    made = tokens(clock)
    token = made.grant(subject="dr-wu", source=SOURCE, action=Role.PLAY).token
    await clock.advance(61)
    with pytest.raises(TokenError) as refused:
        made.check(token)
    assert refused.value.facts["reason"] == "expired"
    assert made.check(token, expired_too=True).sub == "dr-wu"


def test_another_hubs_token_is_refused() -> None:
    clock = FakeClock()
    token = tokens(clock).grant(subject="dr-wu", source=SOURCE, action=Role.PLAY).token
    with pytest.raises(TokenError) as refused:
        tokens(clock, letter="t").check(token)
    assert refused.value.facts["reason"] == "signature"


def test_no_other_algorithm_can_be_named() -> None:
    clock = FakeClock()
    token = tokens(clock).grant(subject="dr-wu", source=SOURCE, action=Role.PLAY).token
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode()
    with pytest.raises(TokenError) as refused:
        tokens(clock).check(f"{none.rstrip('=')}.{token.split('.')[1]}.")
    assert refused.value.facts["reason"] == "malformed"


@given(st.integers(0, 400), st.characters(max_codepoint=1_000))
def test_a_token_with_one_character_changed_is_refused(at: int, other: str) -> None:
    clock = FakeClock()
    token = tokens(clock).grant(subject="dr-wu", source=SOURCE, action=Role.PLAY).token
    at %= len(token)
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenError):
            tokens(clock).check(changed)


@given(st.text(max_size=80))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        tokens(FakeClock()).check(text)


def test_a_short_secret_is_not_accepted() -> None:
    with pytest.raises(ValueError, match="short"):
        tokens(FakeClock(), size=31)
