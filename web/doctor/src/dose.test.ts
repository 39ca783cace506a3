import { usualOf } from "@goldenhour/shared";
import { expect, test } from "vitest";

import { classOfAge, judge } from "./dose.ts";

const aspirin = { least: 150, most: 300 };

test("a dose is usual, beyond it, or a slip of the point", () => {
  expect([150, 300, 500, 149, 1500, 3000, 30, 3].map((dose) => judge(dose, aspirin, null, null))).toEqual([
    "usual", "usual", "beyond", "beyond", "slip", "slip", "slip", "slip",
  ]);
});

test("the worse of dose and rate counts, and an unread one sends nothing", () => {
  const rate = { least: 50, most: 100 };
  expect(judge(200, aspirin, 120, rate)).toBe("beyond");
  expect(judge(200, aspirin, 1000, rate)).toBe("slip");
  expect(judge(null, aspirin, 60, rate)).toBe("none");
  expect(judge(200, null, null, null)).toBe("none");
});

test("the class follows the age that the crew noted", () => {
  expect([null, 0, 1, 15, 16, 90].map(classOfAge)).toEqual([null, "infant", "child", "child", "adult", "adult"]);
});

test("a range by weight needs the weight and keeps its cap", () => {
  const use = { route: "io", classes: ["child"], unit: "mg", perKg: true, least: 0.01, most: 0.01, cap: 1, rate: null, source: "s" } as const;
  expect(usualOf({ ...use, classes: ["child"] }, null)).toBeNull();
  expect(usualOf({ ...use, classes: ["child"] }, 20)).toEqual({ least: 0.2, most: 0.2 });
  expect(usualOf({ ...use, classes: ["child"] }, 150)).toEqual({ least: 1, most: 1 });
});
