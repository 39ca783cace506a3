import { describe, expect, test } from "vitest";

import type { WaveBlock } from "../wire/wave.ts";
import { LAYOUTS, MM_PER_S, pageOf, PULSE_MM } from "./layout.ts";
import { leadsOf } from "./leads.ts";
import { KEEP_S, WaveRing } from "./ring.ts";
import { waveState } from "./state.ts";
import { penTarget, sweepMm } from "./sweep.ts";

const RATE = 500;

/** A block of `count` samples from `first` on; each channel's sample is its index plus its place. */
function block(first: number, count: number, codes = ["I", "II"], extra: Partial<WaveBlock> = {}): WaveBlock {
  return {
    unit: "A01",
    seq: 1,
    group: "pleth",
    capturedUtcUs: 1_000_000_000 + (first / RATE) * 1_000_000,
    lane: "live",
    rateHz: RATE,
    sampleCount: count,
    firstSampleIndex: first,
    missing: null,
    channels: codes.map((code, place) => ({
      code: `MDC_ECG_LEAD_${code}`,
      unit: "1",
      gain: 1,
      offset: 0,
      source: "model",
      samples: Int32Array.from({ length: count }, (_, i) => first + i + place * 1_000_000),
    })),
    ...extra,
  };
}

const valueAt = (ring: WaveRing, index: number): number => ring.reader("MDC_ECG_LEAD_I")?.(index) ?? Number.NaN;

describe("the ring of samples", () => {
  test("keeps a hole where the device's count jumps", () => {
    const ring = new WaveRing();
    ring.add(block(0, 100));
    ring.add(block(300, 100));
    expect(valueAt(ring, 99)).toBe(99);
    expect(valueAt(ring, 100)).toBeNaN();
    expect(valueAt(ring, 299)).toBeNaN();
    expect(valueAt(ring, 300)).toBe(300);
  });

  test("fills the hole when its samples come late, and says that it did", () => {
    const ring = new WaveRing();
    ring.add(block(0, 100));
    ring.add(block(300, 100));
    const edits = ring.edits;
    ring.add(block(100, 200, undefined, { lane: "backfill" }));
    expect(valueAt(ring, 150)).toBe(150);
    expect(ring.head).toBe(400);
    expect(ring.edits).toBeGreaterThan(edits);
  });

  test("a sample that the device declared invalid is a hole, not a value", () => {
    const ring = new WaveRing();
    const one = block(0, 10);
    ring.add({ ...one, missing: 4 });
    expect(valueAt(ring, 3)).toBe(3);
    expect(valueAt(ring, 4)).toBeNaN();
  });

  test("after an hour's cut nothing of the hour before is left", () => {
    const ring = new WaveRing();
    ring.add(block(0, 1000));
    ring.add(block(3600 * RATE, 100));
    for (let index = ring.tail; index < 3600 * RATE; index += 97) expect(valueAt(ring, index)).toBeNaN();
  });

  test("a device that began anew starts a new run", () => {
    const ring = new WaveRing();
    ring.add(block(500_000, 100));
    ring.add(block(0, 100, undefined, { capturedUtcUs: 1_000_000_000 + 1_010_000_000 }));
    expect(ring.head).toBe(100);
    expect(valueAt(ring, 50)).toBe(50);
    ring.add(block(500_100, 100, undefined, { lane: "backfill" }));
    expect(ring.head).toBe(100);
  });

  test("never holds more than it promises", () => {
    const ring = new WaveRing();
    for (let first = 0; first < 100 * RATE; first += RATE) ring.add(block(first, RATE));
    expect(ring.head - ring.tail).toBe(KEEP_S * RATE);
    expect(valueAt(ring, ring.tail - 1)).toBeNaN();
    expect(valueAt(ring, ring.tail)).toBe(ring.tail);
  });

  test("takes an electrode's offset off a voltage and leaves its shape", () => {
    const ring = new WaveRing();
    const flat = block(0, RATE, ["I"]);
    const samples = Int32Array.from({ length: RATE }, (_, i) => 40_000 + (i === 250 ? 200 : 0));
    ring.add({ ...flat, channels: flat.channels.map((each) => ({ ...each, unit: "uV", gain: 5, samples })) });
    expect(valueAt(ring, 10)).toBeCloseTo(0, 3);
    expect(valueAt(ring, 250) - valueAt(ring, 249)).toBeCloseTo(1, 2);
  });
});

describe("leads", () => {
  test("III, aVR, aVL and aVF follow from I and II, and are said to be derived", () => {
    const ring = new WaveRing();
    ring.add(block(0, 10));
    const leads = leadsOf(ring);
    const [one, two] = [5, 1_000_005];
    expect([...leads.keys()]).toEqual(["I", "II", "III", "aVR", "aVL", "aVF"]);
    expect(leads.get("III")?.read(5)).toBe(two - one);
    expect(leads.get("aVR")?.read(5)).toBe(-(one + two) / 2);
    expect(leads.get("aVL")?.read(5)).toBe(one - two / 2);
    expect(leads.get("aVF")?.read(5)).toBe(two - one / 2);
    expect([...leads.values()].filter((each) => each.isDerived)).toHaveLength(4);
  });

  test("a lead that the device stores is shown as stored", () => {
    const ring = new WaveRing();
    ring.add(block(0, 10, ["I", "II", "III", "AVR"]));
    expect(leadsOf(ring).get("III")).toMatchObject({ isDerived: false });
    expect(leadsOf(ring).get("aVR")?.isDerived).toBe(false);
  });

  test("a hole in one of the two is a hole in what follows from them", () => {
    const ring = new WaveRing();
    ring.add({ ...block(0, 10), missing: 1_000_005 });
    expect(leadsOf(ring).get("I")?.read(5)).toBe(5);
    expect(leadsOf(ring).get("aVF")?.read(5)).toBeNaN();
  });
});

describe("the paper", () => {
  test.each(LAYOUTS)("%s keeps 25 mm a second and every cell on the page", (name) => {
    const page = pageOf(name);
    for (const cell of page.cells) {
      expect(cell.widthMm).toBe(cell.seconds * MM_PER_S);
      expect(cell.xMm).toBeGreaterThanOrEqual(PULSE_MM);
      expect(cell.xMm + cell.widthMm).toBeLessThanOrEqual(page.widthMm);
      expect(cell.topMm + cell.heightMm).toBeLessThanOrEqual(page.heightMm);
    }
  });

  test("3×4 shows all twelve leads once and II again as rhythm", () => {
    const { cells } = pageOf("3x4");
    expect(new Set(cells.filter((each) => !each.isRhythm).map((each) => each.lead)).size).toBe(12);
    expect(cells.filter((each) => each.isRhythm).map((each) => each.lead)).toEqual(["II"]);
  });
});

describe("the sweep", () => {
  test("runs at paper speed and begins again at the end of its cell", () => {
    const [cell] = pageOf("3x4").cells;
    if (cell === undefined) throw new Error("an empty page");
    expect(sweepMm(cell, RATE, RATE)).toBe(MM_PER_S);
    expect(sweepMm(cell, cell.seconds * RATE, RATE)).toBe(0);
  });

  test("never draws what has not come, however late it is", () => {
    const ring = new WaveRing();
    ring.add(block(0, 500), 1_000_000_000 + 1_050_000);
    expect(penTarget(ring, 1_000_000_000 + 60_000_000)).toBe(500);
  });

  test("stays behind by what the blocks need, so that it does not stutter", () => {
    const ring = new WaveRing();
    ring.add(block(0, 500), 1_000_000_000 + 1_050_000);
    expect(penTarget(ring, 1_000_000_000 + 1_050_000)).toBeLessThan(50);
  });
});

describe("what a trace may be read as", () => {
  const TAKEN = 1_000_000_000;
  const LENGTH = 1_000_000;

  function ringOf(delayUs: number): WaveRing {
    const ring = new WaveRing();
    ring.add(block(0, RATE), TAKEN + LENGTH + delayUs);
    return ring;
  }

  test("nothing has come: no signal", () => {
    expect(waveState(undefined, TAKEN)).toBe("none");
  });

  test("live until one second after its next block was due", () => {
    expect(waveState(ringOf(0), TAKEN + LENGTH + 1_900_000)).toBe("live");
    expect(waveState(ringOf(0), TAKEN + LENGTH + 2_100_000)).toBe("stale");
  });

  test("late while blocks come, each too old", () => {
    expect(waveState(ringOf(2_500_000), TAKEN + LENGTH + 2_500_000)).toBe("late");
    expect(waveState(ringOf(2_500_000), TAKEN + LENGTH + 4_600_000)).toBe("stale");
  });

  test("stale when it is behind by more than any playout", () => {
    expect(waveState(ringOf(6_000_000), TAKEN + LENGTH + 6_000_000)).toBe("stale");
  });
});
