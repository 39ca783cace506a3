import { describe, expect, test } from "vitest";

import { ageOf } from "./age.ts";
import { ServerClock } from "./clock.ts";

describe("age", () => {
  test("a value is live up to its limit and stale past it", () => {
    expect(ageOf(0, 5_000_000, "vitals")).toEqual({ kind: "live", ageUs: 5_000_000 });
    expect(ageOf(0, 5_000_001, "vitals").kind).toBe("stale");
    expect(ageOf(0, 15_000_000, "position").kind).toBe("live");
    expect(ageOf(0, 1_000_001, "waveform").kind).toBe("stale");
    expect(ageOf(0, 2_000_001, "video").kind).toBe("stale");
  });

  test("what was never measured is none, not old", () => {
    expect(ageOf(null, 5, "vitals")).toEqual({ kind: "none" });
  });

  test("a value from the future counts as new, not as negative", () => {
    expect(ageOf(9, 5, "vitals")).toEqual({ kind: "live", ageUs: 0 });
  });
});

describe("the server's clock", () => {
  const clockAt = (start: { ms: number }) => new ServerClock(() => start.ms, () => 0);

  test("runs on by itself when the server falls silent", () => {
    const machine = { ms: 100 };
    const clock = clockAt(machine);
    clock.observe(1_000_000_000);
    machine.ms += 7_000;
    expect(clock.nowUtcUs()).toBe(1_007_000_000);
  });

  test("a delayed message does not turn it back", () => {
    const machine = { ms: 0 };
    const clock = clockAt(machine);
    clock.observe(50_000_000);
    machine.ms = 1_000;
    clock.observe(50_600_000); // 400 ms late
    expect(clock.nowUtcUs()).toBeGreaterThan(50_980_000);
  });

  test("a clock that was set at the server is followed at once", () => {
    const machine = { ms: 0 };
    const clock = clockAt(machine);
    clock.observe(50_000_000);
    clock.observe(10_000_000);
    expect(clock.nowUtcUs()).toBe(10_000_000);
    clock.observe(90_000_000);
    expect(clock.nowUtcUs()).toBe(90_000_000);
  });
});
