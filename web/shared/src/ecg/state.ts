/**
 * Whether a trace may be read as the patient's present. Law: past its limit no screen shows it as
 * live; a trace that still comes, but behind, says so, for "no signal" would not be true of it.
 */

import { LIMIT_US } from "../time/age.ts";
import { PLAYOUT_MAX_US, type WaveRing } from "./ring.ts";

/** `late`: its blocks come as they should, each of them too old. `stale`: nothing comes. */
export type WaveState = "none" | "live" | "late" | "stale";

/** A trace is past its limit one second after the block after it was due; one that comes late, past all playout. */
export function waveState(ring: WaveRing | undefined, nowUtcUs: number): WaveState {
  const last = ring?.lastCapturedUtcUs ?? null;
  if (ring === undefined || last === null) return "none";
  const limitUs = LIMIT_US.waveform + ring.blockLengthUs;
  if (nowUtcUs - last <= limitUs) return "live";
  const arrived = ring.lastArrivedUtcUs;
  const isComing = arrived !== null && nowUtcUs - arrived <= limitUs;
  return isComing && nowUtcUs - last <= limitUs + PLAYOUT_MAX_US ? "late" : "stale";
}
