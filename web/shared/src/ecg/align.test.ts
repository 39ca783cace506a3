import { describe, expect, test } from "vitest";

import { shiftS } from "./align.ts";
import type { Lead, LeadName } from "./leads.ts";
import { PAGE_S, type Still } from "./still.ts";

/** A page of spikes, one every `rrS`, the first `firstS` into the page; `holes`: nothing is recorded there. */
function page(firstS: number, rrS: number, { rateHz = 500, name = "II", holes = [] }: { rateHz?: number; name?: LeadName; holes?: [number, number][] } = {}): Still {
  const count = PAGE_S * rateHz;
  const read = (index: number): number => {
    const atS = index / rateHz;
    if (index < 0 || index >= count || holes.some(([from, to]) => atS >= from && atS < to)) return Number.NaN;
    const sinceS = (((atS - firstS) % rrS) + rrS) % rrS;
    const nearS = Math.min(sinceS, rrS - sinceS);
    return Math.exp(-((nearS / 0.02) ** 2)) + 0.25 * Math.exp(-(((sinceS - 0.28) / 0.05) ** 2));
  };
  const lead: Lead = { name, read, isDerived: false, source: null };
  return { endIndex: count, endUtcUs: 0, rateHz, leads: new Map([[name, lead]]) };
}

describe("one page over another", () => {
  test("beats of the same rate lie on one another, wherever each page began", () => {
    for (const by of [0.1, 0.25, -0.3]) {
      expect(shiftS(page(0.5, 0.8), page(0.5 + by, 0.8), { pageS: PAGE_S, startS: 2.5, seconds: 2.5 })).toBeCloseTo(by, 2);
    }
  });

  test("of two shifts that are alike the nearer is taken", () => {
    expect(shiftS(page(0.2, 0.5), page(0.2, 0.5), { pageS: PAGE_S, startS: 2.5, seconds: 2.5 })).toBe(0);
  });

  test("pages of devices with other rates are laid over one another in time", () => {
    expect(shiftS(page(0.5, 0.8), page(0.62, 0.8, { rateHz: 250 }), { pageS: PAGE_S, startS: 5, seconds: 2.5 })).toBeCloseTo(0.12, 2);
  });

  test("each column is shifted for itself, for the hearts go apart", () => {
    const [over, below] = [page(0.5, 0.8), page(0.5, 0.84)];
    const early = shiftS(over, below, { pageS: PAGE_S, startS: 0, seconds: 2.5 });
    const late = shiftS(over, below, { pageS: PAGE_S, startS: 5, seconds: 2.5 });
    expect(Math.abs(late - early)).toBeGreaterThan(0.05);
  });

  test("where one has nothing recorded, or no lead in common, nothing is moved", () => {
    expect(shiftS(page(0.5, 0.8), page(0.7, 0.8, { holes: [[1, 9]] }), { pageS: PAGE_S, startS: 2.5, seconds: 2.5 })).toBe(0);
    expect(shiftS(page(0.5, 0.8), page(0.7, 0.8, { name: "V4" }), { pageS: PAGE_S, startS: 2.5, seconds: 2.5 })).toBe(0);
  });
});
