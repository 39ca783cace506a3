/** Two languages, switched at once and remembered; the browser's own at first. */

import i18next, { type TFunction } from "i18next";
import { initReactI18next } from "react-i18next";

import type { Span } from "../units/index.ts";
import { spanOf } from "../units/index.ts";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

export const LANGUAGES = ["en", "zh-CN"] as const;
export type Language = (typeof LANGUAGES)[number];

const REMEMBERED = "goldenhour.language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "main";
    resources: { main: typeof en };
    returnNull: false;
  }
}

/** The language to begin with: the remembered one, else the browser's, else English. */
export function firstLanguage(remembered: string | null, browser: readonly string[]): Language {
  const known = LANGUAGES.find((each) => each === remembered);
  if (known !== undefined) return known;
  return browser[0]?.toLowerCase().startsWith("zh") === true ? "zh-CN" : "en";
}

export function startI18n(): void {
  const language = firstLanguage(recall(), navigator.languages);
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    defaultNS: "main",
    ns: ["main"],
    resources: { en: { main: en }, "zh-CN": { main: zh } },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  document.documentElement.lang = language;
}

export function switchLanguage(): void {
  const next: Language = i18next.language === "zh-CN" ? "en" : "zh-CN";
  document.documentElement.lang = next;
  try {
    localStorage.setItem(REMEMBERED, next);
  } catch {
    // Storage is forbidden here: the choice holds for this page.
  }
  void i18next.changeLanguage(next);
}

function recall(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

export type T = TFunction;

/** A length of time in words: "7 s", "3 min", "1 h 5 min". */
export function spanText(t: T, us: number): string {
  const span: Span = spanOf(us);
  switch (span.unit) {
    case "s":
      return t("span.s", { value: span.value });
    case "min":
      return t("span.min", { value: span.value });
    case "h":
      return t("span.h", { value: span.value, rest: span.rest });
    case "d":
      return t("span.d", { value: span.value, rest: span.rest });
  }
}

/** How long ago: "7 s ago". */
export function agoText(t: T, us: number): string {
  return us < 1_000_000 ? t("span.now") : t("span.ago", { span: spanText(t, us) });
}

/** The word for a wire string under `group`; a word that this version does not know is shown as it came. */
export function wordOf(t: T, group: "status" | "node" | "news2.part" | "alarm.code" | "trend.reason" | "advice.state" | "vitals" | "crew.cameraState" | "device.name" | "device.state" | "device.reason" | "health.streamName" | "health.clock" | "link" | "session.role" | "video.step" | "video.reason" | "video.fault" | "video.name", wire: string): string {
  return (t as (key: string, options: { defaultValue: string; keySeparator?: string }) => string)(`${group}.${wire}`, {
    defaultValue: wire,
  });
}
