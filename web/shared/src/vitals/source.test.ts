// @vitest-environment jsdom
import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";

import { startI18n } from "../i18n/index.ts";
import { sourceText } from "./source.ts";

beforeAll(() => {
  startI18n();
});

test("model and recording are named in the screen's words, and fields as the tiles do", () => {
  const said = "model; heart_rate_bpm, pulse_bpm: counted in recording: pydicom's 12-lead ECG";
  expect(sourceText(i18next.t, said)).toBe("model; Heart rate, Pulse: recording");
});

test("a device's own name stays as it is", () => {
  expect(sourceText(i18next.t, "IntelliVue MX800")).toBe("IntelliVue MX800");
});
