import { expect, test } from "vitest";

import type { VitalsReading } from "../wire/bodies.ts";
import { TREND_US, Vitals } from "./vitals.ts";

const reading = (heart: number | undefined): VitalsReading => ({
  values: heart === undefined ? { spo2_pct: 97 } : { heart_rate_bpm: heart },
  nibpMeasuredUtcUs: null,
  source: null,
});

test("a value never gives way to an older one that arrives later", () => {
  const vitals = new Vitals();
  vitals.add(20, reading(80));
  vitals.add(10, reading(60));
  expect(vitals.latest("heart_rate_bpm")).toEqual({ value: 80, capturedUtcUs: 20 });
});

test("each measurement keeps its own age when the next reading lacks it", () => {
  const vitals = new Vitals();
  vitals.add(10, reading(80));
  vitals.add(20, reading(undefined));
  expect(vitals.latest("heart_rate_bpm")?.capturedUtcUs).toBe(10);
  expect(vitals.latest("spo2_pct")?.capturedUtcUs).toBe(20);
});

test("readings in any order, some twice, make one series in order", () => {
  const vitals = new Vitals();
  for (const at of [30, 10, 20, 10, 40, 30]) vitals.add(at, reading(at));
  expect(vitals.trend.map((each) => each.capturedUtcUs)).toEqual([10, 20, 30, 40]);
});

test("the series holds an hour and lets go of what is older", () => {
  const vitals = new Vitals();
  vitals.add(0, reading(1));
  vitals.add(2 * TREND_US, reading(2));
  expect(vitals.trend.map((each) => each.capturedUtcUs)).toEqual([2 * TREND_US]);
});
