import { expect, test } from "vitest";

import { Fields } from "../wire/decode.ts";
import { readAdvice } from "../wire/advice.ts";
import { Room } from "./room.ts";

const told = (state: string, steps: number) =>
  readAdvice(
    Fields.of({
      advice_id: "a", encounter_id: "e", text: "x", by: "Dr Li", state, given_utc_us: 1, expires_utc_us: 2,
      steps: Array.from({ length: steps }, (_, at) => ({ said: "s", at_utc_us: at })),
    }),
  );

test("an answer that the feed has overtaken does not take an advice back", () => {
  const room = new Room("A-001");
  room.advise(told("withdrawn", 3));
  room.advise(told("delivered", 2));
  expect(room.advice[0]?.state).toBe("withdrawn");
  room.advise(told("administered", 4));
  expect(room.advice[0]?.state).toBe("administered");
});
