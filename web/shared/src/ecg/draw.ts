/** Drawing ECG paper and traces on canvas. Units: device pixels = millimetres × `scale`. */

import { type Cell, MM_PER_MV, MM_PER_S, type Page, PULSE_MM } from "./layout.ts";
import type { Lead } from "./leads.ts";

export type Ink = { paper: string; minor: string; major: string; trace: string; before: string; stale: string; label: string };

/** Pink paper by day; the same paper seen in the dark. Never an alarm colour for the trace. */
export const INKS: Record<"light" | "dark", Ink> = {
  light: {
    paper: "#fffafa",
    minor: "#fbe4e4",
    major: "#f2b9b9",
    trace: "#16181d",
    before: "#0b6bcb",
    stale: "#a4a9b3",
    label: "#4c5361",
  },
  dark: {
    paper: "#0d1013",
    minor: "#1d1719",
    major: "#3a2529",
    trace: "#63e6a4",
    before: "#8fb4ff",
    stale: "#626b75",
    label: "#9aa4af",
  },
};

/** Draw the grid and each row's calibration pulse: what does not change while the trace runs. */
export function drawPaper(context: CanvasRenderingContext2D, page: Page, scale: number, ink: Ink): void {
  const width = page.widthMm * scale;
  const height = page.heightMm * scale;
  context.fillStyle = ink.paper;
  context.fillRect(0, 0, width, height);
  const lines = (stepMm: number, color: string) => {
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.beginPath();
    for (let x = 0; x <= page.widthMm; x += stepMm) {
      const at = Math.round(x * scale) + 0.5;
      context.moveTo(at, 0);
      context.lineTo(at, height);
    }
    for (let y = 0; y <= page.heightMm; y += stepMm) {
      const at = Math.round(y * scale) + 0.5;
      context.moveTo(0, at);
      context.lineTo(width, at);
    }
    context.stroke();
  };
  if (scale >= 2) lines(1, ink.minor);
  lines(5, ink.major);
  context.strokeStyle = ink.trace;
  context.lineWidth = Math.max(1, scale * 0.3);
  context.lineJoin = "round";
  for (const row of page.rows) {
    const y = row.zeroMm * scale;
    const top = y - MM_PER_MV * scale;
    context.beginPath();
    context.moveTo(scale, y);
    context.lineTo(2 * scale, y);
    context.lineTo(2 * scale, top);
    context.lineTo((2 + MM_PER_S / 5) * scale, top);
    context.lineTo((2 + MM_PER_S / 5) * scale, y);
    context.lineTo((PULSE_MM - 1) * scale, y);
    context.stroke();
  }
}

/** Draw samples `from` … `to` − 1 of one lead; `xMmOf` says where on the paper an index lies. */
export function drawTrace(
  context: CanvasRenderingContext2D,
  cell: Cell,
  lead: Lead,
  from: number,
  to: number,
  xMmOf: (index: number) => number,
  scale: number,
  color: string,
): void {
  context.save();
  context.beginPath();
  context.rect(cell.xMm * scale, cell.topMm * scale, cell.widthMm * scale, cell.heightMm * scale);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = Math.max(1.1, scale * 0.33);
  context.lineJoin = "round";
  context.lineCap = "round";
  context.beginPath();
  let isDown = false;
  let lastX = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index += 1) {
    const value = lead.read(index);
    if (Number.isNaN(value)) {
      isDown = false;
      continue;
    }
    const x = xMmOf(index) * scale;
    const y = (cell.zeroMm - value * MM_PER_MV) * scale;
    if (isDown && x >= lastX) context.lineTo(x, y);
    else context.moveTo(x, y);
    isDown = true;
    lastX = x;
  }
  context.stroke();
  context.restore();
}
