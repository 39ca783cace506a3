import { FeedClient, Fields } from "@goldenhour/shared";
import { expect, test } from "vitest";

import { readState } from "./state.ts";
import { VehicleStore } from "./useVehicle.ts";

const S_US = 1_000_000;

function stateAt(nowUtcUs: number): Fields {
  return Fields.of({
    unit: "A01", call_sign: "A", profile: "ambulance", status: "available", link: { state: "live" }, now_utc_us: nowUtcUs,
  });
}

test("a state that comes late changes nothing, and one of a clock that was set back is taken", () => {
  const store = new VehicleStore(
    new FeedClient(() => {
      throw new Error("no network here");
    }),
  );
  store.take(stateAt(1_000 * S_US));
  store.take(stateAt(995 * S_US));
  expect(store.read()?.nowUtcUs).toBe(1_000 * S_US);
  store.take(stateAt(100 * S_US));
  expect(store.read()?.nowUtcUs).toBe(100 * S_US);
});

test("the tablet knows which clock dates what it shows, and how far that may be off", () => {
  expect(readState(stateAt(S_US)).clock).toEqual({ source: null, errorUs: null });
  const told = Fields.of({
    unit: "A01", call_sign: "A", profile: "ambulance", status: "available", link: { state: "live" }, now_utc_us: 1,
    clock: "unset", clock_error_us: 7,
  });
  expect(readState(told).clock).toEqual({ source: "unset", errorUs: 7 });
});
