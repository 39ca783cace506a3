/** Calipers on ECG paper: what two points of one lead measure. Millimetres of paper; pure. */

import { type Cell, MM_PER_MV, MM_PER_S, type Page } from "./layout.ts";

export type Point = { xMm: number; yMm: number };

/** Two points in the cell of one lead. */
export type Span = { cell: Cell; from: Point; to: Point };

export type Measured = {
  intervalMs: number;
  /** Beats a minute, were the interval from beat to beat; null where it is too short to be one. */
  ratePerMin: number | null;
  amplitudeMv: number;
};

/** No heart beats faster: 300 a minute. */
const SHORTEST_BEAT_MS = 200;
/** One step of an arrow key: 20 ms and 0.05 mV. */
export const NUDGE_MM = 0.5;

export function measured({ from, to }: Span): Measured {
  const intervalMs = (Math.abs(to.xMm - from.xMm) / MM_PER_S) * 1_000;
  return {
    intervalMs,
    ratePerMin: intervalMs >= SHORTEST_BEAT_MS ? 60_000 / intervalMs : null,
    amplitudeMv: (from.yMm - to.yMm) / MM_PER_MV,
  };
}

/** Return the cell that holds `point`; null between and beside the cells. */
export function cellAt(page: Page, { xMm, yMm }: Point): Cell | null {
  return (
    page.cells.find(
      (cell) =>
        xMm >= cell.xMm && xMm < cell.xMm + cell.widthMm && yMm >= cell.topMm && yMm < cell.topMm + cell.heightMm,
    ) ?? null
  );
}

/** Return `point`, or what of its cell is nearest to it. */
export function within(cell: Cell, { xMm, yMm }: Point): Point {
  const clamp = (value: number, from: number, length: number) => Math.min(from + length, Math.max(from, value));
  return { xMm: clamp(xMm, cell.xMm, cell.widthMm), yMm: clamp(yMm, cell.topMm, cell.heightMm) };
}

/** Return where the interval falls again and again, both ways, in its cell: is the rhythm regular? */
export function marches({ cell, from, to }: Span): number[] {
  const step = Math.abs(to.xMm - from.xMm);
  if ((step / MM_PER_S) * 1_000 < SHORTEST_BEAT_MS) return [];
  const found: number[] = [];
  for (let x = Math.min(from.xMm, to.xMm) - step; x >= cell.xMm; x -= step) found.unshift(x);
  for (let x = Math.max(from.xMm, to.xMm) + step; x <= cell.xMm + cell.widthMm; x += step) found.push(x);
  return found;
}
