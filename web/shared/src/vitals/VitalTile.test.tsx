// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeAll, expect, test } from "vitest";

import { FeedClient, type Socket } from "../feed/client.ts";
import { FeedProvider } from "../feed/context.tsx";
import { startI18n } from "../i18n/index.ts";
import { ServerClock } from "../time/clock.ts";
import { VitalTile } from "./VitalTile.tsx";

beforeAll(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  startI18n();
});

function shown(measuredUs: number | null, nowUs: number): { text: string; age: string; ageText: string } {
  const clock = new ServerClock(() => 0, () => 0);
  clock.observe(nowUs);
  const noSocket = (): Socket => {
    throw new Error("no network here");
  };
  const feed = new FeedClient(noSocket, undefined, clock);
  const room = feed.room("A01");
  if (measuredUs !== null) {
    room.vitals.add(measuredUs, { values: { heart_rate_bpm: 0 }, nibpMeasuredUtcUs: null, source: null });
  }
  const box = document.createElement("div");
  const root = createRoot(box);
  act(() => {
    root.render(
      <FeedProvider feed={feed}>
        <VitalTile room={room} name="heart_rate_bpm" />
      </FeedProvider>,
    );
  });
  const value = box.querySelector<HTMLElement>('[data-testid="vitals-heart_rate_bpm"]');
  const age = box.querySelector<HTMLElement>('[data-testid="vitals-heart_rate_bpm-age"]');
  const result = { text: value?.textContent ?? "", age: value?.dataset["age"] ?? "", ageText: age?.textContent ?? "" };
  act(() => {
    root.unmount();
  });
  return result;
}

test("no data is an em dash, never zero", () => {
  expect(shown(null, 50_000_000)).toMatchObject({ text: "—", age: "none" });
});

test("a heart rate of zero is shown as zero", () => {
  expect(shown(49_000_000, 50_000_000)).toMatchObject({ text: "0", age: "live" });
});

test("a stale value keeps its number, is marked, and says how old it is", () => {
  expect(shown(38_000_000, 50_000_000)).toEqual({ text: "0", age: "stale", ageText: "12 s ago" });
});
