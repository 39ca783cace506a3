import { expect, test } from "vitest";

import { Fields } from "../wire/decode.ts";
import { Stills } from "./stills.ts";

const part = (text: string, number: number, of: number, camera = "patient") =>
  Fields.of({ kind: "still", camera, width_px: 320, height_px: 180, jpeg: btoa(text), part: number, parts: of });

const shown = (stills: Stills) => {
  const url = stills.latest("patient")?.url;
  return url === undefined ? null : atob(url.split(",")[1] ?? "");
};

test("a still is shown once all its parts are there, in whatever order they came", () => {
  const stills = new Stills();
  expect(stills.add(1, part("c", 3, 3))).toBe(false);
  expect(stills.add(1, part("a", 1, 3))).toBe(false);
  expect(shown(stills)).toBeNull();
  expect(stills.add(1, part("b", 2, 3))).toBe(true);
  expect(shown(stills)).toBe("abc");
});

test("parts whose lengths are no multiple of three are joined as bytes", () => {
  const stills = new Stills();
  stills.add(1, part("four", 1, 2));
  stills.add(1, part("five5", 2, 2));
  expect(shown(stills)).toBe("fourfive5");
});

test("an older still never takes the place of a newer one, whole or not", () => {
  const stills = new Stills();
  stills.add(5, part("new", 1, 1));
  expect(stills.add(4, part("old", 1, 1))).toBe(false);
  expect(stills.add(6, part("half", 1, 2))).toBe(false);
  expect(shown(stills)).toBe("new");
});

test("cameras do not mix, and what never becomes whole does not pile up", () => {
  const stills = new Stills();
  stills.add(1, part("p", 1, 2));
  stills.add(1, part("q", 2, 2, "cabin"));
  expect(shown(stills)).toBeNull();
  for (let at = 2; at < 100; at += 1) stills.add(at, part("x", 1, 2));
  expect(stills.add(1, part("r", 2, 2))).toBe(false);
});
