/** ECG paper as geometry, in millimetres of paper: 25 mm a second, 10 mm a millivolt. Pure. */

import type { LeadName } from "./leads.ts";

export const MM_PER_S = 25;
export const MM_PER_MV = 10;
/** The calibration pulse: 1 mV for 200 ms, with a little room on both sides. */
export const PULSE_MM = 9;

/** One trace on the paper. `startS`: where in a still page's time this cell begins. */
export type Cell = {
  lead: LeadName;
  xMm: number;
  widthMm: number;
  /** The line of 0 mV. */
  zeroMm: number;
  topMm: number;
  heightMm: number;
  seconds: number;
  startS: number;
  isRhythm: boolean;
};

export type Page = { widthMm: number; heightMm: number; rows: { zeroMm: number }[]; cells: Cell[]; seconds: number };

export const LAYOUTS = ["3x4", "6x2", "6x2-short", "strips", "strip"] as const;
export type LayoutName = (typeof LAYOUTS)[number];

type Plan = { grid: LeadName[][]; rhythm: LeadName[]; cellS: number; rowMm: number };

const PLANS: Record<LayoutName, Plan> = {
  "3x4": {
    grid: [
      ["I", "aVR", "V1", "V4"],
      ["II", "aVL", "V2", "V5"],
      ["III", "aVF", "V3", "V6"],
    ],
    rhythm: ["II"],
    cellS: 2.5,
    rowMm: 28,
  },
  "6x2": {
    grid: [["I", "V1"], ["II", "V2"], ["III", "V3"], ["aVR", "V4"], ["aVL", "V5"], ["aVF", "V6"]],
    rhythm: [],
    cellS: 5,
    rowMm: 20,
  },
  // For a phone: the same, 2.5 s each.
  "6x2-short": {
    grid: [["I", "V1"], ["II", "V2"], ["III", "V3"], ["aVR", "V4"], ["aVL", "V5"], ["aVF", "V6"]],
    rhythm: [],
    cellS: 2.5,
    rowMm: 20,
  },
  // For the tablet beside the numbers.
  strips: { grid: [], rhythm: ["II", "V2", "V5"], cellS: 0, rowMm: 31 },
  strip: { grid: [], rhythm: ["II"], cellS: 0, rowMm: 30 },
};

const RHYTHM_S: Record<LayoutName, number> = { "3x4": 10, "6x2": 10, "6x2-short": 5, strips: 6, strip: 6 };

/** Return the page of `name`; only leads that a device sends are asked for at drawing time. */
export function pageOf(name: LayoutName): Page {
  const plan = PLANS[name];
  const columns = plan.grid[0]?.length ?? 0;
  const seconds = columns > 0 ? columns * plan.cellS : RHYTHM_S[name];
  const rowCount = plan.grid.length + plan.rhythm.length;
  const rows = Array.from({ length: rowCount }, (_, row) => ({ zeroMm: row * plan.rowMm + plan.rowMm * 0.6 }));
  const cell = (lead: LeadName, row: number, xMm: number, lengthS: number, startS: number, isRhythm: boolean): Cell => ({
    lead,
    xMm,
    widthMm: lengthS * MM_PER_S,
    zeroMm: rows[row]?.zeroMm ?? 0,
    topMm: row * plan.rowMm,
    heightMm: plan.rowMm,
    seconds: lengthS,
    startS,
    isRhythm,
  });
  const cells = [
    ...plan.grid.flatMap((leads, row) =>
      leads.map((lead, column) =>
        cell(lead, row, PULSE_MM + column * plan.cellS * MM_PER_S, plan.cellS, column * plan.cellS, false),
      ),
    ),
    ...plan.rhythm.map((lead, index) => cell(lead, plan.grid.length + index, PULSE_MM, seconds, 0, true)),
  ];
  return { widthMm: PULSE_MM + seconds * MM_PER_S, heightMm: rowCount * plan.rowMm, rows, cells, seconds };
}
