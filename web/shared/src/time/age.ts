/** Age before value. Law: past its own limit a value is stale, and no screen shows it as live. */

/** Source: ux.md, "Rules that hold everywhere" 1. */
export const LIMIT_US = {
  vitals: 5_000_000,
  waveform: 1_000_000,
  position: 15_000_000,
  video: 2_000_000,
} as const;
export type Kind = keyof typeof LIMIT_US;

export type Aged = { kind: "none" } | { kind: "live"; ageUs: number } | { kind: "stale"; ageUs: number };

/** Judge a value captured at `capturedUtcUs`. One from the future counts as age 0. */
export function ageOf(capturedUtcUs: number | null | undefined, nowUtcUs: number, kind: Kind): Aged {
  if (capturedUtcUs === null || capturedUtcUs === undefined) return { kind: "none" };
  const ageUs = Math.max(0, nowUtcUs - capturedUtcUs);
  return { kind: ageUs > LIMIT_US[kind] ? "stale" : "live", ageUs };
}
