import { describe, expect, test } from "vitest";

import { arrowHead, begun, extended, isSeen, type Mark, MOST_POINTS } from "./marks.ts";

describe("marks", () => {
  test("a pen's stroke takes points that show something, and only so many", () => {
    let mark = begun("pen", "yellow", [0, 0]);
    mark = extended(mark, [1, 0]);
    expect(mark).toMatchObject({ points: [[0, 0]] });
    for (let x = 1; x < MOST_POINTS * 2; x++) mark = extended(mark, [x * 3, 0]);
    expect(mark.kind === "pen" && mark.points.length).toBe(MOST_POINTS);
  });

  test("an arrow and a circle follow the hand, and one that did not move is none", () => {
    for (const tool of ["arrow", "circle"] as const) {
      const mark = begun(tool, "red", [10, 10]);
      expect(isSeen(mark, 6)).toBe(false);
      expect(extended(mark, [40, 50])).toEqual({ kind: tool, colour: "red", from: [10, 10], to: [40, 50] });
      expect(isSeen(extended(mark, [40, 50]), 6)).toBe(true);
    }
  });

  test("words of nothing but space are no mark", () => {
    const words = (text: string): Mark => ({ kind: "text", colour: "white", at: [0, 0], text });
    expect([isSeen(words("  "), 6), isSeen(words("V2"), 6)]).toEqual([false, true]);
  });

  test("an arrow's head stands behind its point, on both sides", () => {
    const [left, right] = arrowHead([0, 0], [100, 0], 20);
    expect(left[0]).toBeCloseTo(100 - 20 * Math.cos(Math.PI / 6));
    expect(left[0]).toBeCloseTo(right[0]);
    expect(left[1]).toBeCloseTo(-right[1]);
    expect(Math.abs(left[1])).toBeCloseTo(10);
  });
});
