import type { UnitView } from "@goldenhour/shared";
import { describe, expect, test } from "vitest";

import { countGroups, filterUnits, isQuiet, sortUnits } from "./board.ts";
import { featureOf } from "./map/features.ts";
import { MAP_COLORS } from "./map/icons.ts";

const NOW = 100_000_000;

function unit(id: string, change: Partial<UnitView> = {}): UnitView {
  return {
    unit: id,
    callSign: id,
    profile: "ambulance",
    light: false,
    online: true,
    status: "available",
    statusSinceUtcUs: null,
    position: { latitudeDeg: 23.1, longitudeDeg: 113.2, capturedUtcUs: NOW - 1_000_000, speedMps: 10, headingDeg: 90 },
    news2: null,
    alarms: [],
    link: { state: "live", waitingRecords: 0, waitingBytes: 0, drainS: null, roundTripMs: null, lastHeardUtcUs: null, video: null },
    encounterId: null,
    runId: null,
    nodes: [],
    cameras: [],
    video: [],
    clock: { source: "gnss", errorUs: 500_000 },
    ...change,
  };
}

const old = (id: string): UnitView => {
  const fresh = unit(id);
  return { ...fresh, position: fresh.position === null ? null : { ...fresh.position, capturedUtcUs: NOW - 16_000_000 } };
};

describe("the board", () => {
  test("counts a unit whose position has stopped as not heard, whatever its link says", () => {
    expect(isQuiet(unit("a"), NOW)).toBe(false);
    expect(isQuiet(old("b"), NOW)).toBe(true);
    expect(isQuiet(unit("c", { position: null }), NOW)).toBe(true);
    expect(countGroups([unit("a"), old("b"), unit("c", { status: "transporting" })], NOW)).toMatchObject({ total: 3, quiet: 1, patients: 1, available: 2 });
  });

  test("sorts call signs as people count, and what is not known to the end in both directions", () => {
    const rows = [unit("A-10"), unit("A-9"), unit("A-100")];
    expect(sortUnits(rows, { column: "callSign", isDown: false }).map((each) => each.unit)).toEqual(["A-9", "A-10", "A-100"]);
    const since = [unit("x", { statusSinceUtcUs: 5 }), unit("y"), unit("z", { statusSinceUtcUs: 9 })];
    expect(sortUnits(since, { column: "since", isDown: false }).map((each) => each.unit)).toEqual(["x", "z", "y"]);
    expect(sortUnits(since, { column: "since", isDown: true }).map((each) => each.unit)).toEqual(["z", "x", "y"]);
  });

  test("sorts a thousand units well within a frame's patience", () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => unit(`U-${(index * 7919) % 1_000}`));
    const began = performance.now();
    sortUnits(rows, { column: "callSign", isDown: false });
    expect(performance.now() - began).toBeLessThan(200);
  });

  test("filters by every word typed, in the words of the screen", () => {
    const rows = [unit("粤A-120-01", { status: "en_route" }), unit("巡-301")];
    const words = (each: UnitView) => (each.status === "en_route" ? "出车途中" : "待命");
    expect(filterUnits(rows, "total", "途中 120", NOW, words).map((each) => each.unit)).toEqual(["粤A-120-01"]);
    expect(filterUnits(rows, "total", "  ", NOW, words)).toHaveLength(2);
    expect(filterUnits(rows, "en_route", "巡", NOW, words)).toEqual([]);
  });
});

describe("a unit on the map", () => {
  const colors = MAP_COLORS.dark;
  const ageText = (us: number) => `${us / 1_000_000} s`;

  test("points where it drives while its position is live", () => {
    expect(featureOf(unit("a", { status: "en_route" }), NOW, colors, ageText)?.properties).toMatchObject({ icon: "ambulance-en_route", pointer: "pointer-en_route", heading: 90, label: "a" });
  });

  test("is grey, without a heading and with its age when its position is stale", () => {
    expect(featureOf(old("a"), NOW, colors, ageText)?.properties).toMatchObject({ icon: "ambulance-stale", pointer: "", label: "a · 16 s" });
  });

  test("is not drawn where no position is known", () => {
    expect(featureOf(unit("a", { position: null }), NOW, colors, ageText)).toBeNull();
  });

  test("with a status that this version does not know still has a symbol", () => {
    expect(featureOf(unit("a", { status: "refuelling" }), NOW, colors, ageText)?.properties.icon).toBe("ambulance-none");
  });
});
