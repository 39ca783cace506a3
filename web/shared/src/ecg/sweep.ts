/**
 * The live sweep. Each cell shows its own last seconds; the pen runs over it and a bar ahead of the
 * pen erases. No signal: the pen stops, the trace greys, and what was missed stays a hole.
 */

import { drawTrace, type Ink } from "./draw.ts";
import { type Cell, MM_PER_S, type Page } from "./layout.ts";
import { type Lead, type LeadName, leadsOf } from "./leads.ts";
import type { WaveRing } from "./ring.ts";

/** Erased ahead of the pen, mm of paper. */
const BAR_MM = 5;
/** Past this lag in one step the pen has been away (a hidden tab): draw all anew. */
const STEP_LIMIT_S = 2;

export type PenState = { index: number; isStale: boolean; edits: number };

/** How far the pen may go: no further than what has come, nor than what is due. */
export function penTarget(ring: WaveRing, nowUtcUs: number): number {
  return Math.min(ring.head, ring.indexAt(nowUtcUs - ring.playoutUs));
}

/** Where in its cell sample `index` lies, mm from the cell's left edge. */
export function sweepMm(cell: Cell, index: number, rateHz: number): number {
  const perCell = cell.seconds * rateHz;
  return ((index % perCell) / rateHz) * MM_PER_S;
}

export class Sweep {
  private pen: PenState | null = null;
  private leads = new Map<LeadName, Lead>();

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly page: Page,
    private readonly scale: number,
    private readonly ink: Ink,
  ) {}

  /** Draw everything anew at the next step. */
  invalidate(): void {
    this.pen = null;
  }

  /** Advance to `nowUtcUs`; returns the sample that the pen stands on. */
  step(ring: WaveRing, nowUtcUs: number, isStale: boolean): number {
    const target = Math.max(penTarget(ring, nowUtcUs), this.pen?.index ?? 0);
    const { pen } = this;
    const isContinuing =
      pen !== null &&
      pen.isStale === isStale &&
      pen.edits === ring.edits &&
      target - pen.index <= STEP_LIMIT_S * ring.rateHz;
    if (isContinuing) this.extend(ring, pen.index, target, isStale);
    else this.redraw(ring, Math.min(target, ring.head), isStale);
    const index = isContinuing ? target : Math.min(target, ring.head);
    this.pen = { index, isStale, edits: ring.edits };
    return index;
  }

  private redraw(ring: WaveRing, target: number, isStale: boolean): void {
    const { context, page, scale } = this;
    this.leads = leadsOf(ring);
    context.clearRect(0, 0, page.widthMm * scale, page.heightMm * scale);
    for (const cell of page.cells) {
      const lead = this.leads.get(cell.lead);
      if (lead === undefined) continue;
      const from = Math.ceil(target - (cell.seconds - BAR_MM / MM_PER_S) * ring.rateHz);
      this.draw(ring, cell, lead, Math.max(from, ring.tail), target, isStale);
    }
  }

  private extend(ring: WaveRing, from: number, target: number, isStale: boolean): void {
    if (target <= from) return;
    for (const cell of this.page.cells) {
      const lead = this.leads.get(cell.lead);
      if (lead === undefined) continue;
      this.erase(cell, sweepMm(cell, from, ring.rateHz), ((target - from) / ring.rateHz) * MM_PER_S + BAR_MM);
      this.draw(ring, cell, lead, from - 1, target, isStale);
    }
  }

  private draw(ring: WaveRing, cell: Cell, lead: Lead, from: number, to: number, isStale: boolean): void {
    const color = isStale ? this.ink.stale : this.ink.trace;
    const xMmOf = (index: number) => cell.xMm + sweepMm(cell, index, ring.rateHz);
    drawTrace(this.context, cell, lead, from, to, xMmOf, this.scale, color);
  }

  /** Clear `lengthMm` from `fromMm` on, round the end of the cell. */
  private erase(cell: Cell, fromMm: number, lengthMm: number): void {
    const { context, scale } = this;
    const clear = (x: number, width: number) => {
      context.clearRect((cell.xMm + x) * scale, cell.topMm * scale, width * scale, cell.heightMm * scale);
    };
    const toEnd = Math.min(lengthMm, cell.widthMm - fromMm);
    clear(fromMm, toEnd);
    if (lengthMm > toEnd) clear(0, Math.min(lengthMm - toEnd, cell.widthMm));
  }
}
