import type { UnitView } from "@goldenhour/shared";
import { expect, test } from "vitest";

import { sortForDoctor } from "./order.ts";

const unit = (id: string, change: Partial<UnitView>): UnitView => ({
  unit: id,
  callSign: id,
  profile: "ambulance",
  light: false,
  online: true,
  status: "available",
  statusSinceUtcUs: null,
  position: null,
  news2: null,
  alarms: [],
  link: { state: "live", waitingRecords: null, waitingBytes: null, drainS: null, roundTripMs: null, lastHeardUtcUs: null, video: null },
  encounterId: null,
  runId: null,
  nodes: [],
  cameras: [],
  video: [],
  clock: { source: "gnss", errorUs: 500_000 },
  ...change,
});

const score = (low: number, high: number) => ({ low, high, band: "high", capturedUtcUs: 0, missing: [] });

test("the sickest patient stands first, by the worst that may be true", () => {
  const { patients, others } = sortForDoctor([
    unit("free", {}),
    unit("mild", { status: "transporting", news2: score(3, 3) }),
    unit("unsure", { status: "with_patient", news2: score(1, 9) }),
    unit("unknown", { status: "transporting" }),
    unit("joined", { encounterId: "e" }),
  ]);
  expect(patients.map((each) => each.unit)).toEqual(["unsure", "mild", "joined", "unknown"]);
  expect(others.map((each) => each.unit)).toEqual(["free"]);
});
