import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";

import { en } from "../i18n/en.ts";
import { zh } from "../i18n/zh.ts";
import type { VideoView } from "../wire/feed.ts";
import { faultsText, givenText, isMoving } from "./given.ts";

const view = (change: Partial<VideoView>): VideoView => ({ camera: "patient", step: "720p", reason: null, faults: [], blursFaces: false, ...change });

beforeAll(async () => {
  await i18next.init({ lng: "en", ns: ["main"], defaultNS: "main", resources: { en: { main: en }, "zh-CN": { main: zh } }, interpolation: { escapeValue: false } });
});

test("a picture of which nothing is given up needs no words", () => {
  expect(givenText(i18next.t, view({}))).toBeNull();
});

test("the step and its reason are said together, in both languages", async () => {
  await i18next.changeLanguage("en");
  expect(givenText(i18next.t, view({ step: "360p", reason: "rate" }))).toBe("360p · the link leaves no more");
  await i18next.changeLanguage("zh-CN");
  expect(givenText(i18next.t, view({ step: "stills", reason: "rate" }))).toBe("静态图 · 链路余量不足");
});

test("a step that a newer vehicle may name is shown as it came", async () => {
  await i18next.changeLanguage("en");
  expect(givenText(i18next.t, view({ step: "90p", reason: "thrift" }))).toBe("90p · thrift");
});

test("faults of the picture are listed; none is no text", () => {
  expect(faultsText(i18next.t, ["dark", "frozen"])).toBe("too dark, frozen");
  expect(faultsText(i18next.t, [])).toBeNull();
});

test("stills and nothing are not moving; a vehicle that says nothing is taken to send", () => {
  expect([null, view({}), view({ step: "stills" }), view({ step: "none" })].map(isMoving)).toEqual([true, true, false, false]);
});
