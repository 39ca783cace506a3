import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";

import { en } from "../i18n/en.ts";
import { Fields } from "../wire/decode.ts";
import { readAdvice } from "../wire/advice.ts";
import { amountText, drugText, readDose } from "./words.ts";

beforeAll(async () => {
  await i18next.init({ lng: "en", ns: ["main"], defaultNS: "main", resources: { en: { main: en } } });
});

const wire = {
  advice_id: "a", encounter_id: "e", text: "x", by: "Dr Li", state: "read_back", given_utc_us: 1, expires_utc_us: 2,
  medication: {
    drug: "adrenaline", name_en: "Adrenaline", name_zh: "肾上腺素", dose: 0.125, unit: "mg", route: "im",
    patient_class: "child", usual: "0.15-0.5 mg", source: "RCUK 2021",
  },
  steps: [{ said: "misread", at_utc_us: 5, by: "Li", detail: "1.25 mg" }],
};

test("a dose is said to its last digit", () => {
  const advice = readAdvice(Fields.of(wire));
  if (advice.medication === null) throw new Error("a drug was ordered");
  expect(drugText(i18next.t, advice.medication)).toBe("Adrenaline 0.125 mg · into the muscle (IM)");
  expect(advice.steps).toEqual([{ said: "misread", atUtcUs: 5, by: "Li", detail: "1.25 mg" }]);
  expect(amountText(5, "ug/kg/min")).toBe("5 µg/kg/min");
});

test("what is typed is a plain number or nothing", () => {
  expect(["300", " 0,5 ", "0.125"].map(readDose)).toEqual([300, 0.5, 0.125]);
  expect(["", "0", "3e2", "-3", "300 mg", "1.23456", "1,000.5", "NaN", "1234567"].map(readDose)).toEqual(Array(9).fill(null));
});

test("a state that this version does not know is refused, not guessed", () => {
  expect(() => readAdvice(Fields.of({ ...wire, state: "perhaps" }))).toThrow();
});
