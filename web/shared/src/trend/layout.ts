/**
 * Trends as geometry: readings to lines and holes. Pure.
 * Law: where no reading is, no line is; two readings further apart than the limit have a hole between.
 */

import type { TrendPoint } from "../feed/vitals.ts";
import type { Measurement } from "../wire/bodies.ts";

/** Two readings further apart than this have a hole between them. The same limit makes a value stale. */
export const HOLE_US = 5_000_000;

export type Hole = { fromUtcUs: number; toUtcUs: number };

/**
 * The holes within [fromUtcUs, toUtcUs]: between readings, and after the last one.
 * What lies before the first reading is no hole: nobody measured yet.
 */
export function holesOf(points: readonly TrendPoint[], fromUtcUs: number, toUtcUs: number): Hole[] {
  const holes: Hole[] = [];
  let before: number | null = null;
  for (const { capturedUtcUs } of points) {
    if (capturedUtcUs > toUtcUs) break;
    if (before !== null && capturedUtcUs - before > HOLE_US && capturedUtcUs > fromUtcUs) {
      holes.push({ fromUtcUs: Math.max(before, fromUtcUs), toUtcUs: capturedUtcUs });
    }
    before = capturedUtcUs;
  }
  if (before !== null && toUtcUs - before > HOLE_US) holes.push({ fromUtcUs: Math.max(before, fromUtcUs), toUtcUs });
  return holes;
}

export type Sample = { utcUs: number; value: number };

/** One measurement as runs of readings without a hole in between. */
export function runsOf(points: readonly TrendPoint[], name: Measurement, fromUtcUs: number): Sample[][] {
  const runs: Sample[][] = [];
  let run: Sample[] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const { capturedUtcUs, reading } of points) {
    if (capturedUtcUs < fromUtcUs) continue;
    const value = reading.values[name];
    if (value === undefined) continue;
    if (capturedUtcUs - before > HOLE_US && run.length > 0) {
      runs.push(run);
      run = [];
    }
    run.push({ utcUs: capturedUtcUs, value });
    before = capturedUtcUs;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

export type Cuff = { utcUs: number; systolic: number; diastolic: number };

/** Each cuff measurement once, at its own time. */
export function cuffsOf(points: readonly TrendPoint[], fromUtcUs: number): Cuff[] {
  const cuffs = new Map<number, Cuff>();
  for (const { capturedUtcUs, reading } of points) {
    const { systolic_mmhg: systolic, diastolic_mmhg: diastolic } = reading.values;
    if (systolic === undefined || diastolic === undefined) continue;
    const utcUs = reading.nibpMeasuredUtcUs ?? capturedUtcUs;
    if (utcUs >= fromUtcUs) cuffs.set(utcUs, { utcUs, systolic, diastolic });
  }
  return [...cuffs.values()];
}

export type Scale = { low: number; high: number; ticks: number[] };

const STEPS = [1, 2, 5, 10, 20, 25, 50, 100];

/** A scale with three to five round ticks about the values; never narrower than `least`. */
export function scaleOf(values: readonly number[], least: number, fallback: readonly [number, number]): Scale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = fallback;
  if (high - low < least) {
    const middle = (low + high) / 2;
    low = middle - least / 2;
    high = middle + least / 2;
  }
  const step = STEPS.find((each) => (high - low) / each <= 3) ?? 200;
  const first = Math.floor(low / step) * step;
  const last = Math.ceil(high / step) * step;
  const ticks: number[] = [];
  for (let tick = first; tick <= last; tick += step) ticks.push(tick);
  return { low: first, high: last, ticks };
}

const MINUTE_US = 60_000_000;
const TIME_STEPS = [1, 2, 5, 10, 15, 20, 30];

/** Round local times within the span, at most `most` of them. */
export function timeTicks(fromUtcUs: number, toUtcUs: number, most: number): number[] {
  const minutes = (toUtcUs - fromUtcUs) / MINUTE_US;
  const step = (TIME_STEPS.find((each) => minutes / each <= most) ?? 60) * MINUTE_US;
  const ticks: number[] = [];
  for (let at = Math.ceil(fromUtcUs / step) * step; at <= toUtcUs; at += step) ticks.push(at);
  return ticks;
}
