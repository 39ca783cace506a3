import { describe, expect, test } from "vitest";

import { frugal } from "./sdp.ts";

const ANSWER = ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10", "m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 opus/48000/2", ""].join("\r\n");

describe("what is asked of the encoder", () => {
  test("each Opus is asked once, in every section, to save in the pauses", () => {
    const lines = frugal(ANSWER).split("\r\n");
    expect(lines.filter((line) => line.startsWith("a=fmtp:111 "))).toEqual(["a=fmtp:111 useinbandfec=1;usedtx=1;maxaveragebitrate=24000;stereo=0"]);
    expect(lines.filter((line) => line.startsWith("a=fmtp:96 "))).toHaveLength(1);
    expect(lines.at(-1)).toBe("");
  });

  test("the rest of the answer stays as it is", () => {
    const other = "v=0\r\nm=video 9 x 103\r\na=rtpmap:103 H264/90000\r\na=fmtp:103 packetization-mode=1\r\n";
    expect(frugal(other)).toBe(other);
  });
});
