import { describe, expect, test } from "vitest";

import { cellAt, marches, measured, type Span, within } from "./calipers.ts";
import { MM_PER_S, PULSE_MM, pageOf } from "./layout.ts";
import { WaveRing } from "./ring.ts";
import { isBlank, stillOf } from "./still.ts";

const page = pageOf("3x4");
const rhythm = page.cells.find((cell) => cell.isRhythm);
if (rhythm === undefined) throw new Error("no rhythm strip");

const spanOf = (seconds: number, mv: number): Span => ({
  cell: rhythm,
  from: { xMm: PULSE_MM + 25, yMm: rhythm.zeroMm },
  to: { xMm: PULSE_MM + 25 + seconds * MM_PER_S, yMm: rhythm.zeroMm - mv * 10 },
});

describe("calipers", () => {
  test("0.8 s and 1.5 mV upwards are 800 ms, 75 a minute and 1.5 mV, either way round", () => {
    expect(measured(spanOf(0.8, 1.5))).toEqual({ intervalMs: 800, ratePerMin: 75, amplitudeMv: 1.5 });
    expect(measured(spanOf(-0.8, -1.5))).toEqual({ intervalMs: 800, ratePerMin: 75, amplitudeMv: -1.5 });
  });

  test("a QRS is no beat to beat", () => {
    expect(measured(spanOf(0.1, 1)).ratePerMin).toBeNull();
  });

  test("a point belongs to the lead under it, and never leaves it", () => {
    expect(cellAt(page, { xMm: PULSE_MM + 70, yMm: 10 })?.lead).toBe("aVR");
    expect(cellAt(page, { xMm: 2, yMm: 10 })).toBeNull();
    expect(within(rhythm, { xMm: -50, yMm: 1e4 })).toEqual({ xMm: rhythm.xMm, yMm: rhythm.topMm + rhythm.heightMm });
  });

  test("the interval marches to both ends of its lead", () => {
    const at = marches(spanOf(1, 0));
    expect(at).toHaveLength(9);
    expect(at[0]).toBeCloseTo(PULSE_MM);
    expect(at.at(-1)).toBeCloseTo(PULSE_MM + 250);
    expect(marches(spanOf(0.05, 0))).toEqual([]);
  });
});

describe("a page that stays", () => {
  const block = (first: number) => ({
    unit: "A", seq: 1, group: "ecg", capturedUtcUs: first * 2_000, lane: "live", rateHz: 500, sampleCount: 500,
    firstSampleIndex: first, missing: null,
    channels: ["I", "II"].map((lead) => ({ code: `MDC_ECG_LEAD_${lead}`, unit: "1", gain: 1, offset: 0, source: null, samples: Int32Array.from({ length: 500 }, (_, i) => first + i) })),
  });

  test("keeps what the ring forgets, with the leads that follow from it", () => {
    const ring = new WaveRing();
    for (let first = 0; first < 5_000; first += 500) ring.add(block(first));
    const still = stillOf(ring, 5_000);
    for (let first = 5_000; first < 50_000; first += 500) ring.add(block(first));
    expect(still.leads.get("I")?.read(4_999)).toBe(4_999);
    expect(still.leads.get("III")?.read(10)).toBe(0);
    expect(still.leads.get("I")?.read(5_000)).toBeNaN();
    expect(isBlank(still)).toBe(false);
    expect(isBlank(stillOf(ring, 5_000))).toBe(true);
  });
});
