/**
 * Vitals of one unit: the newest value of each measurement, and the series for trends.
 * Law: a value never gives way to an older one, whatever order readings arrive in.
 */

import type { Measurement, VitalsReading } from "../wire/bodies.ts";
import { MEASUREMENTS } from "../wire/bodies.ts";

export type Measured = { value: number; capturedUtcUs: number };
export type TrendPoint = { capturedUtcUs: number; reading: VitalsReading };

/** How much of the past a trend holds. */
export const TREND_US = 60 * 60 * 1_000_000;
const SLACK_US = 5 * 60 * 1_000_000;

export class Vitals {
  private readonly newest = new Map<Measurement, Measured>();
  private points: TrendPoint[] = [];
  private nibpUtcUs: number | null = null;
  private sourceText: string | null = null;
  private lastUtcUs: number | null = null;

  add(capturedUtcUs: number, reading: VitalsReading): void {
    for (const name of MEASUREMENTS) {
      const value = reading.values[name];
      if (value === undefined) continue;
      const known = this.newest.get(name);
      if (known === undefined || capturedUtcUs >= known.capturedUtcUs) this.newest.set(name, { value, capturedUtcUs });
    }
    if (this.lastUtcUs === null || capturedUtcUs >= this.lastUtcUs) {
      this.lastUtcUs = capturedUtcUs;
      this.sourceText = reading.source;
      this.nibpUtcUs = reading.nibpMeasuredUtcUs ?? this.nibpUtcUs;
    }
    this.insert({ capturedUtcUs, reading });
  }

  addMany(points: readonly TrendPoint[]): void {
    for (const each of points) this.add(each.capturedUtcUs, each.reading);
  }

  latest(name: Measurement): Measured | undefined {
    return this.newest.get(name);
  }

  /** When the cuff last measured. */
  get nibpMeasuredUtcUs(): number | null {
    return this.nibpUtcUs;
  }

  /** What made the newest numbers, as the device says. */
  get source(): string | null {
    return this.sourceText;
  }

  get lastCapturedUtcUs(): number | null {
    return this.lastUtcUs;
  }

  /** Readings of the last hour, by captured time. Do not change. */
  get trend(): readonly TrendPoint[] {
    return this.points;
  }

  private insert(point: TrendPoint): void {
    const { points } = this;
    let at = points.length;
    while (at > 0 && (points[at - 1]?.capturedUtcUs ?? 0) > point.capturedUtcUs) at -= 1;
    if (points[at - 1]?.capturedUtcUs === point.capturedUtcUs) points[at - 1] = point;
    else points.splice(at, 0, point);
    const floor = (this.lastUtcUs ?? 0) - TREND_US - SLACK_US;
    if ((points[0]?.capturedUtcUs ?? floor) < floor) this.points = points.filter((each) => each.capturedUtcUs >= floor);
  }
}
