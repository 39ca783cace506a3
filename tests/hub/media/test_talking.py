"""A conversation with real peers: who is heard by whom, who speaks, and what is left after it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.media import TalkerView
from tests.hub.media.peers import SignallingError
from tests.hub.media.stand import Stand
from tests.hub.media.voices import Talker, Tone
from tests.until import until

ROOM = "11111111-1111-4111-8111-111111111111"
SOURCE = f"amb-1/{ROOM}"


@asynccontextmanager
async def talking(hub: Stand, user: str, hz: int, *, slots: int = 3) -> AsyncIterator[Talker]:
    token = await hub.token("talk", camera=ROOM, user=user)
    talker = Talker(hub.http, token, tone=Tone(hz))
    await talker.talk(SOURCE, slots=slots)
    try:
        yield talker
    finally:
        await talker.end()
        await talker.pc.close()


async def seen(hub: Stand) -> dict[str, TalkerView]:
    found = await hub.process.client.talks(-1)
    return {talker.subject: talker for talk in found.talks for talker in talk.talkers}


async def test_each_hears_the_others_and_nobody_hears_themselves(hub: Stand) -> None:
    async with (
        talking(hub, "unit:amb-1", 400) as crew,
        talking(hub, "chen", 700) as chen,
        talking(hub, "li", 1_100) as li,
    ):

        async def everybody_hears() -> bool:
            return all(
                listener.hears(hz)
                for listener in (crew, chen, li)
                for hz in {400, 700, 1_100} - {listener.tone.hz}
            )

        await until(everybody_hears)
        assert not crew.hears(400)
        assert not chen.hears(700)
        assert not li.hears(1_100)


async def test_a_muted_one_is_not_heard_and_is_seen_to_be_muted(hub: Stand) -> None:
    async with talking(hub, "unit:amb-1", 400) as crew, talking(hub, "chen", 700) as chen:

        async def chen_speaks() -> bool:
            return crew.hears(700) and (await seen(hub))["chen"].is_speaking

        await until(chen_speaks)
        chen.tone.mute()

        async def is_off() -> bool:
            return not (await seen(hub))["chen"].is_on

        await until(is_off)
        crew.forget()
        assert (await seen(hub))["unit:amb-1"].is_on

        async def crew_is_heard() -> bool:
            chen_hears = chen.hears(400)
            return chen_hears and not crew.hears(700)

        await until(crew_is_heard)
        chen.tone.unmute()
        await until(chen_speaks)


async def test_who_is_quiet_does_not_speak(hub: Stand) -> None:
    async with talking(hub, "unit:amb-1", 400) as crew, talking(hub, "chen", 700) as chen:
        chen.tone.amplitude = 0.000_5  # -69 dBov

        async def only_the_crew_speaks() -> bool:
            found = await seen(hub)
            return found["unit:amb-1"].is_speaking and found["chen"].is_on

        await until(only_the_crew_speaks)

        async def chen_is_quiet() -> bool:
            return not (await seen(hub))["chen"].is_speaking

        await until(chen_is_quiet)
        assert crew.tone.readyState == "live"


async def test_who_does_not_say_how_loud_they_are_is_measured(hub: Stand) -> None:
    token = await hub.token("talk", camera=ROOM, user="chen")
    chen = Talker(hub.http, token, tone=Tone(700), edit=without_levels)
    await chen.talk(SOURCE)
    assert "ssrc-audio-level" not in chen.answer

    async def speaks() -> bool:
        return (await seen(hub))["chen"].is_speaking

    await until(speaks)
    chen.tone.amplitude = 0.000_5

    async def is_quiet() -> bool:
        return not (await seen(hub))["chen"].is_speaking

    await until(is_quiet)
    assert (await seen(hub))["chen"].is_on
    await chen.leave()


async def test_who_speaks_takes_the_place_of_who_does_not(hub: Stand) -> None:
    async with (
        talking(hub, "unit:amb-1", 400, slots=1) as crew,
        talking(hub, "chen", 700) as chen,
        talking(hub, "li", 1_100) as li,
    ):
        li.tone.mute()
        await until(lambda: hears(crew, 700))
        li.tone.unmute()  # both speak: the first keeps the place
        chen.tone.amplitude = 0.0
        await until(lambda: hears(crew, 1_100))
        assert li.tone.amplitude > 0


async def hears(talker: Talker, hz: int) -> bool:
    return talker.hears(hz)


async def test_the_newer_of_one_person_s_sessions_replaces_the_older(hub: Stand) -> None:
    async with talking(hub, "unit:amb-1", 400) as crew:
        first = Talker(hub.http, await hub.token("talk", camera=ROOM, user="chen"), tone=Tone(700))
        await first.talk(SOURCE)
        await until(lambda: hears(crew, 700))
        async with talking(hub, "chen", 1_100):
            await until(lambda: hears(crew, 1_100))
            crew.forget()
            await until(lambda: hears(crew, 1_100))
            assert not crew.hears(700)
            assert (await first.end()).status_code == 404
        await first.pc.close()


async def test_a_conversation_refuses_video_and_strangers(hub: Stand) -> None:
    for user, status in (("stranger", 403), ("passer-by", 409)):
        answer = await hub.http.post(
            "/api/v1/media/tokens",
            json={"unit": "amb-1", "camera": ROOM, "action": "talk"},
            headers={"x-user": user},
        )
        assert answer.status_code == status
    talker = Talker(hub.http, await hub.token("talk", camera=ROOM, user="chen"))
    talker.pc.addTransceiver(talker.tone, direction="sendonly")
    talker.pc.addTransceiver("video", direction="recvonly")
    with pytest.raises(SignallingError) as refused:
        await talker.begin(f"talk/{SOURCE}")
    assert refused.value.response.status_code == 422
    await talker.pc.close()


async def test_nothing_is_left_after_forty_have_talked_and_gone(hub: Stand) -> None:
    client = hub.process.client

    async def come_and_go(number: int) -> None:
        async with talking(hub, f"doctor-{number}", 400, slots=2):
            pass

    await come_and_go(0)
    before = await client.counts()
    for each in range(10):
        await asyncio.gather(*(come_and_go(10 * each + number) for number in range(4)))

    async def all_gone() -> bool:
        now = await client.counts()
        return (
            now.sessions == before.sessions == 0
            and now.talkers == 0
            and now.tasks <= before.tasks
            and now.descriptors <= before.descriptors
        )

    await until(all_gone)
    assert (await client.talks(-1)).talks == []


def without_levels(sdp: str) -> str:
    """Return an offer of a client that does not say how loud it is."""
    return "\r\n".join(line for line in sdp.split("\r\n") if "ssrc-audio-level" not in line)
