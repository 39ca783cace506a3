/** An ECG of before, to hold the present one against: which there are, and how one is fetched. */

import { type Advice, getWaves, isBlank, PAGE_S, type Still, stillOf, WaveRing } from "@goldenhour/shared";

/** `first`: from when this patient was with the crew; `until`: the ten seconds before a time. */
export type Earlier = { kind: "first"; openedUtcUs: number } | { kind: "until"; utcUs: number };

const SECOND_US = 1_000_000;
const PAGE_US = PAGE_S * SECOND_US;
/** Electrodes take a while: the first ECG is looked for so long. */
const FIRST_WITHIN_US = 300 * SECOND_US;
/** A block begins before the page that it belongs to. */
const LONGEST_BLOCK_US = 10 * SECOND_US;

export const MINUTES_BEFORE = [5, 15, 30] as const;

/** Return the page; null where nothing was recorded. */
export async function fetchEarlier(unit: string, which: Earlier, signal: AbortSignal): Promise<Still | null> {
  const [fromUtcUs, toUtcUs] =
    which.kind === "first"
      ? [which.openedUtcUs, which.openedUtcUs + FIRST_WITHIN_US]
      : [which.utcUs - PAGE_US - LONGEST_BLOCK_US, which.utcUs];
  const blocks = await getWaves(unit, fromUtcUs, toUtcUs, signal);
  blocks.sort((a, b) => a.capturedUtcUs - b.capturedUtcUs);
  const [first] = blocks;
  if (first === undefined) return null;
  const endUtcUs = which.kind === "first" ? first.capturedUtcUs + PAGE_US : which.utcUs;
  const ring = new WaveRing();
  for (const block of blocks) if (block.capturedUtcUs < endUtcUs) ring.add(block);
  const still = stillOf(ring, Math.min(ring.head, ring.indexAt(endUtcUs)));
  return isBlank(still) ? null : still;
}

/** When the pages ended that were sent to the crew, newest first; by them another doctor knows which was meant. */
export function sentPages(advice: readonly Advice[], beforeUtcUs: number, most: number): number[] {
  const ends = advice.flatMap(({ picture }) => (picture?.source === "ecg" && picture.capturedUtcUs < Math.floor(beforeUtcUs) ? [picture.capturedUtcUs] : []));
  return [...new Set(ends)].sort((a, b) => b - a).slice(0, most);
}
