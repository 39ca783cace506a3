/**
 * One page of ECG laid over another, beat on beat. Pure.
 *
 * Two hearts' clocks run apart, so nothing lines up by itself. Each column of the paper is a span of
 * time; the page below is shifted, column by column, to where its lead II is most like the one above.
 * All leads of a column are shifted alike: what comes before what in a beat stays as it was.
 */

import type { LeadName } from "./leads.ts";
import type { Still } from "./still.ts";

/** As far as a slow beat: a heart of 40/min has one every 1.5 s, and the nearest is half of that away. */
const MOST_SHIFT_S = 0.75;
/** The ECG's likeness is looked for at this rate: a tenth of a millimetre of paper is finer than the eye. */
const LOOK_HZ = 250;
/** Less than this of a column recorded, on either page, and likeness means nothing. */
const LEAST_PART = 0.5;

/** In the order in which they are looked at: the rhythm strip's first. */
const BY: readonly LeadName[] = ["II", "I", "V5", "V2", "V1"];

/** A column of a page of `pageS` seconds, both pages' last ones. */
export type Span = { pageS: number; startS: number; seconds: number };

/** Seconds by which `under` is moved to lie under `still` in a column; 0 where nothing is alike. */
export function shiftS(still: Still, under: Still, { pageS, startS, seconds }: Span): number {
  const name = BY.find((each) => still.leads.has(each) && under.leads.has(each));
  if (name === undefined) return 0;
  const over = sampled(still, name, startS - pageS, seconds);
  const most = Math.round(MOST_SHIFT_S * LOOK_HZ);
  const below = sampled(under, name, startS - pageS - MOST_SHIFT_S, seconds + 2 * MOST_SHIFT_S);
  let best = { likeness: 0, shift: 0 };
  for (let shift = -most; shift <= most; shift += 1) {
    const likeness = correlation(over, below, shift + most);
    // of two that are as good, the nearer
    const isBetter = likeness > best.likeness + 1e-6 || (likeness > best.likeness - 1e-6 && Math.abs(shift) < Math.abs(best.shift));
    if (isBetter) best = { likeness, shift };
  }
  return best.shift / LOOK_HZ;
}

/** Millivolts of a lead at `LOOK_HZ` from `fromS` on, counted from the page's end; NaN where there is none. */
function sampled(still: Still, name: LeadName, fromS: number, seconds: number): Float32Array {
  const read = still.leads.get(name)?.read;
  return Float32Array.from({ length: Math.round(seconds * LOOK_HZ) }, (_, i) => {
    const index = still.endIndex + Math.round((fromS + i / LOOK_HZ) * still.rateHz);
    return index >= still.endIndex ? Number.NaN : (read?.(index) ?? Number.NaN);
  });
}

/** Pearson's, of `a` with as many values of `b` from `offset` on; 0 where too few are there. */
function correlation(a: Float32Array, b: Float32Array, offset: number): number {
  let [count, sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const x = a[i] ?? Number.NaN;
    const y = b[i + offset] ?? Number.NaN;
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    count += 1;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += x * y;
  }
  if (count < a.length * LEAST_PART) return 0;
  const spread = Math.sqrt((sumAA - (sumA * sumA) / count) * (sumBB - (sumB * sumB) / count));
  return spread > 0 ? (sumAB - (sumA * sumB) / count) / spread : 0;
}
