import i18next from "i18next";
import { beforeAll, describe, expect, test } from "vitest";

import { Problem, problemOf, sentencesOf } from "../api/problem.ts";
import { linkDetail } from "../link/LinkIndicator.tsx";
import { bytesText, spanOf } from "../units/index.ts";
import type { LinkView } from "../wire/feed.ts";
import { en } from "./en.ts";
import { agoText, firstLanguage, spanText, wordOf } from "./index.ts";
import { zh } from "./zh.ts";

function paths(value: unknown, at = ""): string[] {
  if (typeof value !== "object" || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) => paths(inner, `${at}.${key}`));
}

function textAt(value: unknown, path: string): string {
  const found = path.split(".").slice(1).reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
  return String(found);
}

beforeAll(async () => {
  await i18next.init({ lng: "en", ns: ["main"], defaultNS: "main", resources: { en: { main: en }, "zh-CN": { main: zh } }, interpolation: { escapeValue: false } });
});

describe("the two languages", () => {
  const flat = (value: unknown) => paths(value).filter((each) => !each.startsWith(".alarm.code"));

  test("say the same things", () => {
    expect(paths(zh).sort()).toEqual(paths(en).sort());
  });

  test("fill in the same values", () => {
    const holes = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((each) => each[1]).sort();
    for (const path of flat(en)) expect([path, holes(textAt(zh, path))]).toEqual([path, holes(textAt(en, path))]);
  });

  test("leave nothing untranslated in Chinese", () => {
    const bare = (text: string) => text.replaceAll(/{{\w+}}/g, "");
    const isSame = (path: string) => /[a-z]{4}/.test(bare(textAt(en, path))) && textAt(zh, path) === textAt(en, path);
    expect(flat(en).filter((path) => !path.startsWith(".unit.") && isSame(path))).toEqual([]);
  });

  test("begin with the remembered one, then the browser's", () => {
    expect(firstLanguage("en", ["zh-CN"])).toBe("en");
    expect(firstLanguage(null, ["zh-Hans-CN", "en"])).toBe("zh-CN");
    expect(firstLanguage(null, ["de-DE"])).toBe("en");
    expect(firstLanguage("klingon", [])).toBe("en");
  });
});

describe("words", () => {
  const t = i18next.t;

  test("a length of time has one unit that a reader can use", () => {
    expect(spanText(t, 7_400_000)).toBe("7 s");
    expect(spanText(t, 119_000_000)).toBe("119 s");
    expect(spanText(t, 121_000_000)).toBe("2 min");
    expect(spanText(t, 3 * 3_600_000_000 + 300_000_000)).toBe("3 h 5 min");
    expect(agoText(t, 300_000)).toBe("now");
    expect(spanOf(-5)).toEqual({ unit: "s", value: 0, rest: 0 });
  });

  test("a word that this version does not know is shown as it came", () => {
    expect(wordOf(t, "status", "en_route")).toBe("En route");
    expect(wordOf(t, "status", "refuelling")).toBe("refuelling");
    expect(wordOf(t, "alarm.code", "news2.high")).toBe("NEWS2 high");
  });

  test("sizes are said with what a reader can use", () => {
    expect([0, 999, 4_320_000, 1_200_000_000].map(bytesText)).toEqual(["0 B", "999 B", "4.3 MB", "1.2 GB"]);
  });
});

describe("the link in words", () => {
  const link: LinkView = { state: "live", waitingRecords: 18_432, waitingBytes: 4_320_000, drainS: 95, roundTripMs: 41.4, lastHeardUtcUs: 0, video: null };
  const detail = (change: Partial<LinkView>) => linkDetail(i18next.t, { ...link, ...change }, 90_000_000, "vehicle");

  test("says what the state needs and no more", () => {
    expect(detail({})).toBe("41 ms");
    expect(detail({ state: "thin", video: "360p" })).toBe("video 360p");
    expect(detail({ state: "thin", video: "none" })).toBe("video off");
    expect(detail({ state: "store-and-forward" })).toBe("18,432 records, 4.3 MB waiting · hub last heard 90 s ago");
    expect(detail({ state: "store-and-forward", waitingRecords: 1 })).toBe("1 record, 4.3 MB waiting · hub last heard 90 s ago");
    expect(detail({ state: "recovering" })).toBe("18,432 records, 4.3 MB waiting · 95 s left");
  });
});

describe("an error", () => {
  test("says what happened, what was kept and what to do", () => {
    const problem = problemOf(503, { code: "storage.full", message: "the disk is full", facts: {}, trace_id: "abc" });
    const said = sentencesOf(i18next.t, problem);
    expect(said.what).toContain("the disk is full");
    expect(said.kept).not.toBe("");
    expect(said.todo).toContain("abc");
  });

  test("of any shape still has its three sentences", () => {
    for (const status of [0, 401, 403, 404, 409, 422, 429, 500, 502]) {
      const said = sentencesOf(i18next.t, problemOf(status, "<html>"));
      expect(Object.values(said).every((each) => each !== "" && !each.startsWith("error."))).toBe(true);
    }
    expect(problemOf(500, null)).toBeInstanceOf(Problem);
  });
});
