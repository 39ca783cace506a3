import i18next from "i18next";
import { beforeAll, describe, expect, test } from "vitest";

import { en } from "../i18n/en.ts";
import { zh } from "../i18n/zh.ts";
import type { Alarm } from "../wire/bodies.ts";
import { AlarmHistory } from "./history.ts";
import { BURSTS } from "./sound.ts";
import { soundOf, type StandingAlarm, urgencyOf, worstFirst } from "./standing.ts";
import { alarmNumbers, alarmWords } from "./words.ts";

const alarm = (code: string, change: Partial<StandingAlarm> = {}): StandingAlarm => ({
  alarmId: `${code}-1`,
  code,
  priority: "medium",
  state: "raised",
  raisedUtcUs: 0,
  value: null,
  limit: null,
  text: null,
  by: null,
  isOver: false,
  ...change,
});

beforeAll(async () => {
  await i18next.init({
    lng: "en",
    defaultNS: "main",
    ns: ["main"],
    resources: { en: { main: en }, "zh-CN": { main: zh } },
    interpolation: { escapeValue: false },
  });
});

describe("standing alarms", () => {
  test("what nobody has seen stands first, then the priority, then the newest", () => {
    const ordered = worstFirst([
      alarm("low", { priority: "low" }),
      alarm("seen", { priority: "high", state: "acknowledged" }),
      alarm("old", { raisedUtcUs: 1 }),
      alarm("new", { raisedUtcUs: 2 }),
      alarm("high", { priority: "high" }),
    ]);
    expect(ordered.map((each) => each.code)).toEqual(["high", "new", "old", "low", "seen"]);
  });

  test("sound only for what nobody has seen, and none for low ones", () => {
    expect(soundOf([alarm("a", { priority: "low" })])).toBe(null);
    expect(soundOf([alarm("a", { priority: "high", state: "acknowledged" }), alarm("b")])).toBe("medium");
    expect(soundOf([alarm("a", { priority: "high" }), alarm("b")])).toBe("high");
    expect(urgencyOf([])).toBe(0);
    expect(urgencyOf([alarm("a", { priority: "low" })])).toBeGreaterThan(urgencyOf([alarm("a", { priority: "high", state: "acknowledged" })]));
  });

  test("bursts are those of the standard: ten, three and two pulses, faster the more urgent", () => {
    expect([BURSTS.high, BURSTS.medium, BURSTS.low].map((each) => each.atS.length)).toEqual([10, 3, 2]);
    const gap = (name: "high" | "medium") => (BURSTS[name].atS[1] ?? 0) - (BURSTS[name].atS[0] ?? 0);
    expect(gap("high")).toBeLessThan(gap("medium"));
    for (const burst of Object.values(BURSTS)) {
      expect(burst.frequencyHz.every((hz) => hz >= 150 && hz <= 1_000)).toBe(true);
      expect(burst.frequencyHz).toHaveLength(burst.atS.length);
    }
  });
});

describe("an alarm in words", () => {
  test("says what, how much and the limit, in both languages", async () => {
    const low = alarm("limit.spo2_pct.low", { value: 84, limit: 85 });
    expect(alarmWords(i18next.t, low)).toBe("SpO₂ low");
    expect(alarmNumbers(i18next.t, low)).toBe("84 % · limit 85");
    const gone = alarm("not_measured.spo2_pct", { value: 84, limit: 85 });
    expect(`${alarmWords(i18next.t, gone)}, ${alarmNumbers(i18next.t, gone)}`).toBe("SpO₂ not measured, was 84 %");
    await i18next.changeLanguage("zh-CN");
    expect(alarmWords(i18next.t, alarm("ecg.asystole"))).toBe("心脏停搏");
    expect(alarmWords(i18next.t, low)).toContain("过低");
    await i18next.changeLanguage("en");
  });

  test("a device's own words are shown as it said them, an unknown code as it came", () => {
    expect(alarmWords(i18next.t, alarm("monitor.pacer", { text: "** Pacer" }))).toBe("Monitor: ** Pacer");
    expect(alarmWords(i18next.t, alarm("ecg.lead_off", { text: "V4 V5" }))).toBe("ECG lead off V4 V5");
    expect(alarmWords(i18next.t, alarm("something.new"))).toBe("something.new");
  });
});

describe("the history", () => {
  const said = (state: Alarm["state"], change: Partial<Alarm> = {}): Alarm => ({
    alarmId: "a-1",
    code: "limit.spo2_pct.low",
    priority: "medium",
    state,
    value: 88,
    limit: 92,
    by: null,
    raisedUtcUs: 1_000_000,
    text: null,
    cause: null,
    ...change,
  });
  const story: [Alarm, number][] = [
    [said("raised"), 1_000_000],
    [said("raised", { priority: "high", value: 80, limit: 85 }), 2_000_000],
    [said("acknowledged", { by: "Chen", priority: "high", value: 80, limit: 85 }), 3_000_000],
    [said("cleared", { by: "Chen", priority: "high", cause: "ended", value: 80, limit: 85 }), 9_000_000],
  ];

  test("is the same in whatever order its records come: backfill clears nothing and reopens nothing", () => {
    const expected = [
      {
        alarmId: "a-1", code: "limit.spo2_pct.low", priority: "high", raisedUtcUs: 1_000_000, value: 80, limit: 85,
        text: null, acknowledgedBy: "Chen", clearedUtcUs: 9_000_000, cause: "ended",
      },
    ];
    for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 2, 1], [1, 3, 0, 2]]) {
      const history = new AlarmHistory();
      for (const at of [...order, ...order]) {
        const each = story[at];
        if (each !== undefined) history.take(...each);
      }
      expect(history.all()).toEqual(expected);
    }
  });
});
