// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { beforeAll, expect, test } from "vitest";

import { startI18n } from "../i18n/index.ts";
import type { ClockView } from "../wire/feed.ts";
import { ClockNote } from "./ClockNote.tsx";

beforeAll(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  startI18n();
});

function shown(clock: ClockView): string | null {
  const box = document.createElement("div");
  const root = createRoot(box);
  act(() => {
    root.render(<ClockNote clock={clock} />);
  });
  const text = box.querySelector<HTMLElement>('[data-testid="clock-note"]')?.textContent ?? null;
  act(() => {
    root.unmount();
  });
  return text;
}

test("times of a disciplined clock are shown without a word, and so is a unit that has sent nothing", () => {
  expect(shown({ source: "gnss", errorUs: 1_000_000 })).toBeNull();
  expect(shown({ source: null, errorUs: null })).toBeNull();
});

test("times that nobody vouches for are said to be uncertain", () => {
  expect(shown({ source: "rtc", errorUs: null })).not.toBeNull();
  expect(shown({ source: "unset", errorUs: 5 })).not.toBeNull();
});

test("an error that is known and large is told in seconds", () => {
  expect(shown({ source: "gnss", errorUs: 3_200_000 })).toContain("4");
});
