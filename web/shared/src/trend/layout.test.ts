import { describe, expect, test } from "vitest";

import type { TrendPoint } from "../feed/vitals.ts";
import { cuffsOf, holesOf, runsOf, scaleOf } from "./layout.ts";

const S = 1_000_000;
const at = (second: number, heart?: number): TrendPoint => ({
  capturedUtcUs: second * S,
  reading: { values: heart === undefined ? {} : { heart_rate_bpm: heart }, nibpMeasuredUtcUs: null, source: null },
});

describe("holes", () => {
  test("lie between readings further apart than the limit, and after the last", () => {
    const holes = holesOf([at(0), at(1), at(60), at(61)], 0, 100 * S);
    expect(holes).toEqual([
      { fromUtcUs: 1 * S, toUtcUs: 60 * S },
      { fromUtcUs: 61 * S, toUtcUs: 100 * S },
    ]);
  });

  test("close when the missing readings arrive", () => {
    const missing = Array.from({ length: 58 }, (_, index) => at(index + 2));
    expect(holesOf([at(0), at(1), ...missing, at(60)], 0, 62 * S)).toEqual([]);
  });

  test("are not claimed where nobody has measured yet", () => {
    expect(holesOf([at(50), at(51)], 0, 52 * S)).toEqual([]);
    expect(holesOf([], 0, 100 * S)).toEqual([]);
  });

  test("that began before the window are cut to it", () => {
    expect(holesOf([at(0), at(60)], 30 * S, 61 * S)).toEqual([{ fromUtcUs: 30 * S, toUtcUs: 60 * S }]);
  });
});

test("a line never crosses a hole", () => {
  const runs = runsOf([at(0, 70), at(1, 71), at(30, 90), at(31, 91)], "heart_rate_bpm", 0);
  expect(runs.map((run) => run.map((each) => each.value))).toEqual([
    [70, 71],
    [90, 91],
  ]);
});

test("a cuff measurement that the monitor repeats is drawn once, at its own time", () => {
  const repeated = [10, 11, 12].map((second): TrendPoint => ({
    capturedUtcUs: second * S,
    reading: { values: { systolic_mmhg: 120, diastolic_mmhg: 80 }, nibpMeasuredUtcUs: 4 * S, source: null },
  }));
  expect(cuffsOf(repeated, 0)).toEqual([{ utcUs: 4 * S, systolic: 120, diastolic: 80 }]);
});

test("a scale holds all values and is never so narrow that noise looks like news", () => {
  const scale = scaleOf([97, 98], 10, [90, 100]);
  expect(scale.low).toBeLessThanOrEqual(97);
  expect(scale.high).toBeGreaterThanOrEqual(98);
  expect(scale.high - scale.low).toBeGreaterThanOrEqual(10);
  expect(scaleOf([], 10, [90, 100])).toMatchObject({ low: 90, high: 100 });
});
