/**
 * What a video tile says. Law: live means that frames advance on this screen, not that a connection
 * is open; past the limit without one the picture is lost, with its age.
 */

import { LIMIT_US } from "../time/age.ts";

export type VideoState =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "lost"; sinceMs: number }
  | { kind: "none" };

export type VideoFacts = {
  /** When a frame was last shown, ms by the page's monotonic clock; null before the first. */
  lastFrameMs: number | null;
  /** The hub said that nobody publishes this camera. */
  isAbsent: boolean;
};

export function videoState(facts: VideoFacts, nowMs: number): VideoState {
  if (facts.lastFrameMs === null) return { kind: facts.isAbsent ? "none" : "connecting" };
  const silentMs = nowMs - facts.lastFrameMs;
  return silentMs > LIMIT_US.video / 1_000 ? { kind: "lost", sinceMs: silentMs } : { kind: "live" };
}

/** Ask anew after this long without a frame: the publisher may have come back on a new connection. */
export const REJOIN_MS = 6_000;
const RETRY_CAP_MS = 10_000;

/** Wait before asking again; `random` in [0, 1). */
export function rejoinWaitMs(attempt: number, random: number): number {
  return Math.min(RETRY_CAP_MS, 1_000 * 2 ** Math.min(attempt, 8)) * (0.6 + 0.4 * random);
}
