import type { Advice } from "@goldenhour/shared";
import { expect, test } from "vitest";

import { sentPages } from "./earlier.ts";

const sent = (source: string, capturedUtcUs: number) => ({ picture: { source, capturedUtcUs, widthPx: 1, heightPx: 1, standing: "here" } }) as Advice;

test("pages that were sent are offered once each, newest first; not what is no ECG, nor the page itself", () => {
  const words = { picture: null } as Advice;
  const advice = [sent("ecg", 10), words, sent("cabin", 15), sent("ecg", 30), sent("ecg", 30), sent("ecg", 40)];
  expect(sentPages(advice, 40.7, 6)).toEqual([30, 10]);
  expect(sentPages(advice, 41, 1)).toEqual([40]);
});
