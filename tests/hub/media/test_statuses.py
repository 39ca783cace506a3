"""Status codes of the media endpoints, from the real process behind the real routes."""

import httpx2

from hub.media import MediaSettings
from tests.hub.media.offers import MALFORMED, NOT_SDP, PLAY, PUBLISH, REFUSED
from tests.hub.media.peers import Publisher, Viewer
from tests.hub.media.stand import Stand, stand
from tests.until import until

WHIP = "/api/v1/media/whip/amb-1/patient"
WHEP = "/api/v1/media/whep/amb-1/patient"


def sdp_headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}


def problem(response: httpx2.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "code", "message", "facts", "trace_id"} == set(body)
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


async def test_a_bad_offer_is_400_and_an_unwanted_one_422(hub: Stand) -> None:
    publish = sdp_headers(await hub.token("publish"))

    async def post(offer: str) -> httpx2.Response:
        return await hub.http.post(WHIP, content=offer, headers=publish)

    for text in [*NOT_SDP, *MALFORMED.values()]:
        status = problem(await post(text.replace("a=recvonly", "a=sendonly")))
        assert status in [(400, "protocol.remote"), (422, "media.offer_refused")], text
    assert problem(await post("hello")) == (400, "protocol.remote")
    for flaw, text in REFUSED.items():
        swapped = text.replace("a=sendonly", "a=x").replace("a=recvonly", "a=sendonly")
        swapped = swapped.replace("a=x", "a=recvonly")
        status = problem(await post(swapped))
        assert status in [(422, "media.offer_refused"), (400, "protocol.remote")], flaw
    assert problem(await post(PLAY)) == (422, "media.offer_refused")
    counts = await hub.process.client.counts()
    assert (counts.sessions, counts.publishers) == (0, 0)


async def test_no_token_a_foreign_token_and_a_token_for_something_else(hub: Stand) -> None:
    bare = await hub.http.post(WHEP, content=PLAY, headers={"Content-Type": "application/sdp"})
    assert problem(bare) == (401, "access.media_token")
    assert bare.headers["www-authenticate"] == 'Bearer realm="media"'
    forged = await hub.http.post(WHEP, content=PLAY, headers=sdp_headers("a.b.c"))
    assert problem(forged) == (401, "access.media_token")
    assert 'error="invalid_token"' in forged.headers["www-authenticate"]
    for token in (
        await hub.token("play", unit="amb-2"),
        await hub.token("play", camera="front"),
        await hub.token("publish"),
    ):
        other = await hub.http.post(WHEP, content=PLAY, headers=sdp_headers(token))
        assert problem(other) == (403, "access.denied")


async def test_tokens_are_given_to_those_who_may(hub: Stand) -> None:
    wanted = {"unit": "amb-1", "camera": "patient", "action": "publish"}

    async def ask(user: str | None, **changes: str) -> httpx2.Response:
        headers = {"x-user": user} if user else {}
        return await hub.http.post("/api/v1/media/tokens", json=wanted | changes, headers=headers)

    assert (await ask("unit:amb-1")).status_code == 200
    assert problem(await ask(None)) == (401, "media.request")
    assert problem(await ask("unit:amb-2")) == (403, "access.denied")
    assert problem(await ask("doctor")) == (403, "access.denied")
    assert (await ask("doctor", action="play")).status_code == 200
    assert problem(await ask("doctor", action="erase")) == (422, "media.request")
    assert problem(await ask("doctor", unit="../etc")) == (422, "media.request")


async def test_an_unknown_camera_or_session_or_end_is_404(hub: Stand) -> None:
    play = sdp_headers(await hub.token("play"))
    assert problem(await hub.http.post(WHEP, content=PLAY, headers=play)) == (404, "not_found")
    session = f"{WHEP}/{'x' * 24}"
    assert problem(await hub.http.delete(session, headers=play)) == (404, "not_found")
    other_end = WHEP.replace("whep", "whop")
    assert (await hub.http.post(other_end, content=PLAY, headers=play)).status_code == 404


async def test_wrong_type_too_large_and_wrong_method(hub: Stand) -> None:
    token = await hub.token("publish")
    as_json = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert problem(await hub.http.post(WHIP, content=PUBLISH, headers=as_json)) == (
        415,
        "media.request",
    )
    large = PUBLISH + "a=x\r\n" * 20_000
    response = await hub.http.post(WHIP, content=large, headers=sdp_headers(token))
    assert problem(response) == (413, "media.request")
    for method in ("GET", "PUT", "PATCH"):
        response = await hub.http.request(method, WHIP, headers=sdp_headers(token))
        assert response.status_code == 405
        assert "POST" in response.headers["allow"]


async def test_options_says_what_is_accepted_from_anywhere(hub: Stand) -> None:
    response = await hub.http.options(WHIP, headers={"Origin": "https://elsewhere.example"})
    assert response.status_code == 204
    assert response.headers["accept-post"] == "application/sdp"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in response.headers["access-control-allow-headers"]
    session = await hub.http.options(f"{WHIP}/{'x' * 24}")
    assert session.headers["accept-patch"] == "application/trickle-ice-sdpfrag"


async def test_a_session_takes_candidates_but_no_restart(hub: Stand) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish()
    await publisher.connected()
    ufrag = next(
        line.partition(":")[2]
        for line in publisher.pc.localDescription.sdp.splitlines()
        if line.startswith("a=ice-ufrag")
    )

    async def patch(
        fragment: str, if_match: str | None, kind: str = "application/trickle-ice-sdpfrag"
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {publisher.token}", "Content-Type": kind}
        if if_match is not None:
            headers["If-Match"] = if_match
        return await hub.http.patch(publisher.location, content=fragment, headers=headers)

    same = f"a=ice-ufrag:{ufrag}\r\na=end-of-candidates\r\n"
    restart = "a=ice-ufrag:other\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    assert (await patch(same, publisher.etag)).status_code == 204
    assert problem(await patch(same, None)) == (428, "media.request")
    assert problem(await patch(same, '"old"')) == (412, "media.stale_session")
    assert problem(await patch(restart, "*")) == (422, "media.offer_refused")
    assert problem(await patch("nonsense", "*")) == (400, "protocol.remote")
    assert problem(await patch(same, "*", "text/plain")) == (415, "media.request")
    assert (await publisher.end()).status_code == 200
    assert problem(await publisher.end()) == (404, "not_found")
    await publisher.pc.close()


async def test_every_session_that_begins_is_told_to_the_audit(hub: Stand) -> None:
    publisher = Publisher(hub.http, await hub.token("publish"))
    await publisher.publish()
    await publisher.connected()
    await until(hub.is_live)
    viewer = Viewer(hub.http, await hub.token("play"))
    await viewer.play()
    assert [(look.sub, look.act) for look in hub.looks] == [
        ("unit:amb-1", "publish"),
        ("doctor", "play"),
    ]
    await viewer.connected()
    await viewer.leave()
    await publisher.leave()


async def test_more_sessions_than_there_is_room_for_are_503() -> None:
    async with stand(MediaSettings(udp_ports="0", max_sessions=1)) as hub:
        publish = sdp_headers(await hub.token("publish"))
        first = await hub.http.post(WHIP, content=PUBLISH, headers=publish)
        second = await hub.http.post(WHIP, content=PUBLISH, headers=publish)
        assert first.status_code == 201
        assert problem(second) == (503, "media.busy")
        assert int(second.headers["retry-after"]) > 0


async def test_the_answer_of_a_created_session_is_complete(hub: Stand) -> None:
    publish = sdp_headers(await hub.token("publish"))
    response = await hub.http.post(WHIP, content=PUBLISH, headers=publish)
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/sdp"
    assert response.headers["location"].startswith(f"{WHIP}/")
    assert response.headers["etag"].startswith('"')
    assert "Location" in response.headers["access-control-expose-headers"]
    assert "a=end-of-candidates" in response.text
    assert "a=setup:passive" in response.text
    assert "stun:" not in response.text
    assert (await hub.http.delete(response.headers["location"], headers=publish)).is_success


async def test_no_ice_server_is_named_unless_configured(hub: Stand) -> None:
    publish = sdp_headers(await hub.token("publish"))
    assert "link" not in (await hub.http.post(WHIP, content=PUBLISH, headers=publish)).headers
    async with stand(MediaSettings(udp_ports="0", stun_url="stun:127.0.0.1:9")) as with_stun:
        publish = sdp_headers(await with_stun.token("publish"))
        response = await with_stun.http.post(WHIP, content=PUBLISH, headers=publish)
        assert response.headers["link"] == '<stun:127.0.0.1:9>; rel="ice-server"'
