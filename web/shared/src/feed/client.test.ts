import { beforeEach, describe, expect, test } from "vitest";

import { FEED, WAVE_BASE64 } from "../wire/captured.ts";
import { waitMs } from "./backoff.ts";
import { FeedClient, SILENT_MS } from "./client.ts";
import { FakeSocket, FakeTimers } from "./fakes.ts";

let sockets: FakeSocket[];
let timers: FakeTimers;
let feed: FeedClient;

const newest = (): FakeSocket => {
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error("no socket was opened");
  return socket;
};

beforeEach(() => {
  sockets = [];
  timers = new FakeTimers();
  feed = new FeedClient(() => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  }, timers);
  feed.watch({ fleet: true, units: ["A01"], waveforms: true });
  feed.start();
  newest().onopen?.();
});

describe("the feed client", () => {
  test("asks for what is watched, at the beginning and after every reconnect", () => {
    expect(JSON.parse(newest().sent[0] ?? "")).toEqual({ t: "watch", fleet: true, units: ["A01"], waveforms: true });
    newest().onclose?.({ code: 1006 });
    timers.pass(20_000);
    expect(sockets).toHaveLength(2);
    newest().onopen?.();
    expect(newest().sent).toHaveLength(1);
  });

  test("is open only once the server has spoken", () => {
    expect(feed.phase()).toBe("connecting");
    newest().onmessage?.({ data: FEED.hello });
    expect(feed.phase()).toBe("open");
  });

  test("takes a silent socket for dead, says since when, and opens another", () => {
    newest().onmessage?.({ data: FEED.hello });
    timers.pass(SILENT_MS - 1);
    newest().onmessage?.({ data: FEED.tick });
    timers.pass(SILENT_MS - 1);
    expect(feed.phase()).toBe("open");
    timers.pass(1);
    expect(feed.phase()).toBe("waiting");
    expect(feed.lostSinceUtcUs()).not.toBeNull();
    expect(sockets[0]?.isClosed).toBe(true);
    timers.pass(20_000);
    expect(sockets).toHaveLength(2);
  });

  test("does not knock again where it was refused", () => {
    newest().onclose?.({ code: 1008 });
    timers.pass(60_000);
    expect(feed.phase()).toBe("refused");
    expect(sockets).toHaveLength(1);
  });

  test("counts a message that it cannot read and goes on", () => {
    newest().onmessage?.({ data: "{" });
    newest().onmessage?.({ data: new ArrayBuffer(3) });
    newest().onmessage?.({ data: FEED.fleet });
    expect(feed.unreadCount()).toBe(2);
    expect(feed.fleet.one("A01")?.callSign).toBe("粤A-120-01");
  });

  test("hands records and waves to the unit's room", () => {
    newest().onmessage?.({ data: FEED.record });
    newest().onmessage?.({ data: new Uint8Array(Buffer.from(WAVE_BASE64, "base64")).buffer });
    const room = feed.room("A01");
    expect(room.vitals.latest("heart_rate_bpm")).toEqual({ value: 0, capturedUtcUs: 11 });
    expect(room.waves.get("ecg")?.head).toBe(1503);
  });

  test("a full fleet message lets go of units that are no longer there", () => {
    newest().onmessage?.({ data: FEED.fleet });
    newest().onmessage?.({ data: '{"t":"fleet","full":true,"units":[]}' });
    expect(feed.fleet.all()).toEqual([]);
  });
});

test("reconnects spread out, never at once and never later than the cap", () => {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    expect(waitMs(attempt, 0)).toBeGreaterThanOrEqual(100);
    expect(waitMs(attempt, 0.999)).toBeLessThanOrEqual(15_000);
  }
  expect(waitMs(3, 0.9)).toBeGreaterThan(waitMs(0, 0.9));
});
