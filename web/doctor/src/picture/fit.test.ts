import { describe, expect, test } from "vitest";

import { fitted, type Step, STEPS, within } from "./fit.ts";

const encoder = (bytesOf: (step: Step) => number) => {
  const asked: Step[] = [];
  const encode = (step: Step) => {
    asked.push(step);
    return Promise.resolve(new Blob([new Uint8Array(bytesOf(step))]));
  };
  return { asked, encode };
};

describe("a picture that must fit", () => {
  test("the first step that fits is taken, and none is tried beyond it", async () => {
    const { asked, encode } = encoder(({ sidePx, quality }) => (sidePx > 1024 || quality > 0.5 ? 2_000 : 900));
    expect((await fitted(encode, 1_000)).size).toBe(900);
    expect(asked.at(-1)).toEqual({ sidePx: 1024, quality: 0.45 });
  });

  test("what cannot be made to fit is said, never cut", async () => {
    const { asked, encode } = encoder(() => 2_000);
    await expect(fitted(encode, 1_000)).rejects.toThrow("small enough");
    expect(asked).toHaveLength(STEPS.length);
  });

  test("a side is kept within the step, and nothing grows", () => {
    expect(within(1920, 1080, 1280)).toEqual({ widthPx: 1280, heightPx: 720 });
    expect(within(1080, 1920, 1280)).toEqual({ widthPx: 720, heightPx: 1280 });
    expect(within(640, 360, 1280)).toEqual({ widthPx: 640, heightPx: 360 });
  });
});
