import { describe, expect, test } from "vitest";

import { nextFilmUtcUs, pieceAt, piecesOf, type Segment } from "./timeline.ts";

const S = 1_000_000;
const segment = (first: number, last: number): Segment => ({ segment: `s${first}`, camera: "patient", firstUtcUs: first * S, lastUtcUs: last * S });
const short = (pieces: ReturnType<typeof piecesOf>) => pieces.map((each) => `${each.kind} ${each.fromUtcUs / S}-${each.toUtcUs / S}`);

describe("pieces", () => {
  test("segments that follow one another leave no hole between them", () => {
    expect(short(piecesOf([segment(0, 6), segment(6.1, 12)], [], 0, 12 * S))).toEqual(["film 0-6", "film 6-12"]);
  });

  test("what nobody has is a hole, at the edges too", () => {
    expect(short(piecesOf([segment(10, 16)], [], 0, 30 * S))).toEqual(["hole 0-10", "film 10-16", "hole 16-30"]);
  });

  test("what the vehicle still has is on its way, not a hole", () => {
    expect(short(piecesOf([segment(0, 6), segment(12, 18)], [segment(6, 12)], 0, 18 * S))).toEqual(["film 0-6", "coming 6-12", "film 12-18"]);
  });

  test("a span with nothing is one hole", () => {
    expect(short(piecesOf([], [], 0, 5 * S))).toEqual(["hole 0-5"]);
  });

  test("segments that overlap or come in any order are shown once", () => {
    expect(short(piecesOf([segment(6, 12), segment(0, 7)], [segment(1, 5)], 0, 12 * S))).toEqual(["film 0-7", "film 7-12"]);
  });
});

test("a moment finds its piece, and the next film after it", () => {
  const pieces = piecesOf([segment(0, 6), segment(20, 26)], [], 0, 30 * S);
  expect(pieceAt(pieces, 3 * S)?.kind).toBe("film");
  expect(pieceAt(pieces, 6 * S)?.kind).toBe("hole");
  expect(pieceAt(pieces, 30 * S)).toBeNull();
  expect(nextFilmUtcUs(pieces, 3 * S)).toBe(3 * S);
  expect(nextFilmUtcUs(pieces, 7 * S)).toBe(20 * S);
  expect(nextFilmUtcUs(pieces, 27 * S)).toBeNull();
});
