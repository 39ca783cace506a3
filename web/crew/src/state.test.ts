import { type Advice, Fields } from "@goldenhour/shared";
import { expect, test } from "vitest";

import { readState, ringingAdvice } from "./state.ts";

const advice = (id: string, change: Partial<Advice>): Advice => ({
  adviceId: id,
  encounterId: "e",
  text: "t",
  by: "Dr",
  state: "delivered",
  givenUtcUs: 1,
  expiresUtcUs: 100,
  answeredUtcUs: null,
  answeredBy: null,
  reason: null,
  readBack: null,
  administeredUtcUs: null,
  administeredDose: null,
  withdrawAskedUtcUs: null,
  medication: null,
  picture: null,
  steps: [],
  ...change,
});

test("the oldest unanswered advice rings first", () => {
  const all = [advice("b", { givenUtcUs: 2 }), advice("a", {}), advice("c", { state: "confirmed", givenUtcUs: 0 })];
  expect(ringingAdvice(all, 50)?.adviceId).toBe("a");
});

test("an advice rings no more once it has expired, and cannot be confirmed late", () => {
  expect(ringingAdvice([advice("a", {})], 100)).toBeNull();
});

test("a seen advice still waits for its answer", () => {
  expect(ringingAdvice([advice("a", { state: "seen" })], 50)?.state).toBe("seen");
});

test("a vehicle that has just started, with nothing known yet, can be read", () => {
  const state = readState(
    Fields.of({ unit: "A01", call_sign: "粤A", profile: "patrol", status: "available", next_event: "roll", link: { state: "store-and-forward" }, now_utc_us: 5 }),
  );
  expect(state).toMatchObject({ nextEvent: "roll", advice: [], task: null, patient: null, hospitals: [], canUndoUntilUtcUs: null });
});

test("an event that this version does not know leaves the button away instead of guessing", () => {
  const state = readState(Fields.of({ unit: "A01", call_sign: "x", profile: "patrol", status: "s", next_event: "teleport", link: { state: "live" }, now_utc_us: 5 }));
  expect(state.nextEvent).toBeNull();
});
