/** Playing a camera by WHEP: one attempt, from offer to picture. Source: draft-ietf-wish-whep. */

import { API, postJson, postText } from "../api/client.ts";
import { Fields } from "../wire/decode.ts";

/** How long an offer waits for its own candidates; on a vehicle's network they come at once. */
const GATHER_MS = 1_500;

export type Playing = { stream: MediaStream; stop: () => void; peer: RTCPeerConnection };

/**
 * Ask for `camera` of `unit`.
 *
 * @throws Problem: the hub refused (404, 409: nobody publishes it).
 */
export async function play(unit: string, camera: string): Promise<Playing> {
  const token = Fields.of(await postJson("/media/tokens", { unit, camera, action: "play" }), "token").text("token");
  // No ICE servers: the hub's own address is all that is needed, and no outsider is asked.
  const peer = new RTCPeerConnection({ iceServers: [] });
  const stop = { current: () => { peer.close(); } };
  try {
    const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
    preferH264(transceiver);
    const stream = new MediaStream([transceiver.receiver.track]);
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const answer = await postText(`/media/whep/${encodeURIComponent(unit)}/${encodeURIComponent(camera)}`, peer.localDescription?.sdp ?? "", {
      "content-type": "application/sdp",
      authorization: `Bearer ${token}`,
    });
    stop.current = () => {
      peer.close();
      if (answer.location !== null) void fetch(answer.location, { method: "DELETE", headers: { authorization: `Bearer ${token}` } }).catch(() => undefined);
    };
    await peer.setRemoteDescription({ type: "answer", sdp: answer.text });
    return { stream, peer, stop: () => { stop.current(); } };
  } catch (error) {
    stop.current();
    throw error;
  }
}

/** Cameras that send at present. */
export function camerasPath(unit: string): string {
  return `${API}/media/units/${encodeURIComponent(unit)}/cameras`;
}

function preferH264(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const isWanted = (codec: { mimeType: string }) => codec.mimeType === "video/H264" || codec.mimeType === "video/rtx";
  const wanted = codecs.filter(isWanted);
  if (wanted.some((codec) => codec.mimeType === "video/H264")) transceiver.setCodecPreferences(wanted);
}

/** Resolve once `peer` knows its own addresses, or after a while. */
export function gathered(peer: RTCPeerConnection): Promise<void> {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      peer.removeEventListener("icegatheringstatechange", check);
      resolve();
    };
    const check = () => {
      if (peer.iceGatheringState === "complete") done();
    };
    const timer = setTimeout(done, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", check);
  });
}

/** Whether this browser can play what the vehicles send. */
export function canPlay(): boolean {
  if (typeof RTCPeerConnection === "undefined") return false;
  const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  return codecs.some((codec) => codec.mimeType === "video/H264");
}
