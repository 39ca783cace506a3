/** Reconnect pace: exponential with full jitter, so that a hub's restart is not followed by a stampede. */

export const BASE_MS = 500;
export const CAP_MS = 15_000;

/** Wait before attempt `attempt` (0 = first retry); `random` in [0, 1). Never under a fifth of the base. */
export function waitMs(attempt: number, random: number): number {
  const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 16));
  return Math.max(BASE_MS / 5, random * ceiling);
}
