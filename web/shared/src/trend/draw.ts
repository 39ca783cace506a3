/** Drawing trends: one lane a measurement, one time axis, holes hatched through all lanes. */

import type { RecordGap } from "../feed/room.ts";
import type { TrendPoint } from "../feed/vitals.ts";
import { clockText } from "../units/index.ts";
import type { Measurement } from "../wire/bodies.ts";
import type { NodeView } from "../wire/feed.ts";
import { cuffsOf, type Hole, type Sample, runsOf, type Scale, scaleOf, timeTicks } from "./layout.ts";

export type LaneSpec = { name: Measurement; label: string; unit: string; color: string; least: number; fallback: readonly [number, number] };

export type Frame = { left: number; right: number; top: number; laneHeight: number; laneGap: number; axisHeight: number };

export const FRAME: Frame = { left: 44, right: 8, top: 16, laneHeight: 46, laneGap: 7, axisHeight: 20 };

export function heightOf(lanes: number): number {
  return FRAME.top + lanes * (FRAME.laneHeight + FRAME.laneGap) + FRAME.axisHeight;
}

export type Palette = { text: string; dim: string; line: string; hatch: string; surface: string };

export type Drawing = {
  points: readonly TrendPoint[];
  holes: readonly Hole[];
  gaps: readonly RecordGap[];
  nodes: readonly { label: string; node: NodeView }[];
  /** Bars beneath the lanes: when an alarm stood (`toUtcUs` null: it still does). */
  alarms: readonly { fromUtcUs: number; toUtcUs: number | null; color: string; row: number }[];
  lanes: readonly LaneSpec[];
  fromUtcUs: number;
  toUtcUs: number;
  palette: Palette;
  font: string;
};

export function xOf(utcUs: number, drawing: Pick<Drawing, "fromUtcUs" | "toUtcUs">, width: number): number {
  const share = (utcUs - drawing.fromUtcUs) / (drawing.toUtcUs - drawing.fromUtcUs);
  return FRAME.left + share * (width - FRAME.left - FRAME.right);
}

export function drawTrend(context: CanvasRenderingContext2D, drawing: Drawing, width: number, height: number): void {
  const { palette } = drawing;
  const x = (utcUs: number) => xOf(utcUs, drawing, width);
  const floor = height - FRAME.axisHeight;
  context.clearRect(0, 0, width, height);
  context.font = `11px ${drawing.font}`;
  context.textBaseline = "middle";
  for (const hole of drawing.holes) hatch(context, x(hole.fromUtcUs), x(hole.toUtcUs), FRAME.top, floor, palette.hatch, 6);
  for (const gap of drawing.gaps) {
    if (gap.firstUtcUs === null || gap.lastUtcUs === null) continue;
    hatch(context, x(gap.firstUtcUs), x(gap.lastUtcUs), FRAME.top, floor, palette.dim, 3);
  }
  context.textAlign = "center";
  for (const at of timeTicks(drawing.fromUtcUs, drawing.toUtcUs, Math.max(2, Math.floor(width / 110)))) {
    const tick = Math.round(x(at)) + 0.5;
    stroke(context, palette.line, 1, [[tick, FRAME.top], [tick, floor]]);
    context.fillStyle = palette.dim;
    context.fillText(clockText(at), Math.min(Math.max(tick, FRAME.left + 14), width - 18), height - FRAME.axisHeight / 2 + 2);
  }
  let clear = Number.NEGATIVE_INFINITY;
  for (const { label, node } of drawing.nodes) {
    const at = Math.round(x(node.atUtcUs)) + 0.5;
    if (at < FRAME.left) continue;
    context.setLineDash([2, 3]);
    stroke(context, palette.dim, 1, [[at, FRAME.top - 2], [at, floor]]);
    context.setLineDash([]);
    const half = context.measureText(label).width / 2;
    const middle = Math.min(Math.max(at, FRAME.left + half), width - half - 2);
    if (middle - half < clear) continue;
    context.fillStyle = palette.dim;
    context.fillText(label, middle, 7);
    clear = middle + half + 6;
  }
  for (const alarm of drawing.alarms) {
    const from = Math.max(x(alarm.fromUtcUs), FRAME.left);
    const to = x(alarm.toUtcUs ?? drawing.toUtcUs);
    if (to < FRAME.left) continue;
    context.fillStyle = alarm.color;
    context.fillRect(from, floor - 3 - alarm.row * 4, Math.max(2, to - from), 3);
  }
  drawing.lanes.forEach((lane, index) => {
    drawLane(context, drawing, lane, FRAME.top + index * (FRAME.laneHeight + FRAME.laneGap) + FRAME.laneGap / 2, width);
  });
}

function drawLane(context: CanvasRenderingContext2D, drawing: Drawing, lane: LaneSpec, top: number, width: number): void {
  const { palette, points, fromUtcUs } = drawing;
  const isPressure = lane.name === "systolic_mmhg";
  const cuffs = isPressure ? cuffsOf(points, fromUtcUs) : [];
  const runs = isPressure ? [] : runsOf(points, lane.name, fromUtcUs);
  const values = isPressure ? cuffs.flatMap((each) => [each.systolic, each.diastolic]) : runs.flat().map((each) => each.value);
  const scale = scaleOf(values, lane.least, lane.fallback);
  const y = (value: number) => top + FRAME.laneHeight * (1 - (value - scale.low) / (scale.high - scale.low));
  const x = (utcUs: number) => xOf(utcUs, drawing, width);
  drawScale(context, scale, y, width, palette);
  if (isPressure) {
    for (const cuff of cuffs) {
      const at = Math.round(x(cuff.utcUs)) + 0.5;
      stroke(context, lane.color, 1.5, [[at, y(cuff.systolic)], [at, y(cuff.diastolic)]]);
      stroke(context, lane.color, 1.5, [[at - 3, y(cuff.systolic)], [at + 3, y(cuff.systolic)]]);
      stroke(context, lane.color, 1.5, [[at - 3, y(cuff.diastolic)], [at + 3, y(cuff.diastolic)]]);
    }
  }
  for (const run of runs) {
    const line = thin(run, x).map((each): [number, number] => [x(each.utcUs), y(each.value)]);
    const [only] = line;
    if (line.length === 1 && only !== undefined) {
      context.fillStyle = lane.color;
      context.fillRect(only[0] - 1, only[1] - 1, 2, 2);
    } else stroke(context, lane.color, 1.4, line);
  }
  context.textAlign = "left";
  const label = `${lane.label}  ${lane.unit}`;
  const length = context.measureText(label).width;
  context.globalAlpha = 0.82;
  context.fillStyle = palette.surface;
  context.fillRect(FRAME.left + 2, top - 1, length + 6, 14);
  context.globalAlpha = 1;
  context.fillStyle = lane.color;
  context.fillText(label, FRAME.left + 5, top + 6);
}

function drawScale(context: CanvasRenderingContext2D, scale: Scale, y: (value: number) => number, width: number, palette: Palette): void {
  context.textAlign = "right";
  for (const tick of scale.ticks) {
    const at = Math.round(y(tick)) + 0.5;
    stroke(context, palette.line, 1, [[FRAME.left, at], [width - FRAME.right, at]]);
  }
  context.fillStyle = palette.dim;
  for (const tick of [scale.low, scale.high]) context.fillText(String(tick), FRAME.left - 6, y(tick) + (tick === scale.low ? -3 : 3));
}

/** At most the lowest and the highest reading of each pixel column: the eye sees the same, the canvas a tenth. */
function thin(run: readonly Sample[], x: (utcUs: number) => number): Sample[] {
  const kept: Sample[] = [];
  let column = Number.NaN;
  let low: Sample | null = null;
  let high: Sample | null = null;
  const flush = () => {
    if (low === null || high === null) return;
    if (low === high) kept.push(low);
    else kept.push(...(low.utcUs < high.utcUs ? [low, high] : [high, low]));
  };
  for (const sample of run) {
    const at = Math.floor(x(sample.utcUs));
    if (at !== column) {
      flush();
      column = at;
      low = sample;
      high = sample;
      continue;
    }
    if (low === null || sample.value < low.value) low = sample;
    if (high === null || sample.value > high.value) high = sample;
  }
  flush();
  return kept;
}

function stroke(context: CanvasRenderingContext2D, color: string, lineWidth: number, line: readonly (readonly [number, number])[]): void {
  context.strokeStyle = color;
  context.lineWidth = lineWidth;
  context.lineJoin = "round";
  context.beginPath();
  line.forEach(([x, y], index) => {
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  context.stroke();
}

function hatch(context: CanvasRenderingContext2D, from: number, to: number, top: number, floor: number, color: string, step: number): void {
  const left = Math.max(from, FRAME.left);
  if (to <= left) return;
  context.save();
  context.beginPath();
  context.rect(left, top, to - left, floor - top);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = left - (floor - top); at < to; at += step) {
    context.moveTo(at, floor);
    context.lineTo(at + (floor - top), top);
  }
  context.stroke();
  context.restore();
}
