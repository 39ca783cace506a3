import { expect, test } from "vitest";

import { REJOIN_MS, rejoinWaitMs, videoState } from "./state.ts";

test("an open connection without a frame is not live", () => {
  expect(videoState({ lastFrameMs: null, isAbsent: false }, 60_000)).toEqual({ kind: "connecting" });
});

test("two seconds without a frame is lost, and the time is counted", () => {
  expect(videoState({ lastFrameMs: 1_000, isAbsent: false }, 3_000).kind).toBe("live");
  expect(videoState({ lastFrameMs: 1_000, isAbsent: false }, 8_000)).toEqual({ kind: "lost", sinceMs: 7_000 });
});

test("a picture once seen is lost, not absent, when its sender has gone", () => {
  expect(videoState({ lastFrameMs: 1_000, isAbsent: true }, 9_000).kind).toBe("lost");
  expect(videoState({ lastFrameMs: null, isAbsent: true }, 9_000).kind).toBe("none");
});

test("asks again soon at first and never slower than every ten seconds", () => {
  expect(rejoinWaitMs(0, 0)).toBeLessThan(REJOIN_MS);
  for (let attempt = 0; attempt < 30; attempt += 1) expect(rejoinWaitMs(attempt, 0.999)).toBeLessThanOrEqual(10_000);
});
