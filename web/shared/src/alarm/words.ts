/** An alarm in words: what it is about, and its numbers with their unit. */

import type { T } from "../i18n/index.ts";
import { wordOf } from "../i18n/index.ts";
import { MEASUREMENTS, type Measurement } from "../wire/bodies.ts";
import { valueText } from "../vitals/VitalTile.tsx";

type Said = { code: string; value: number | null; limit: number | null; text: string | null };

const FIXED = [
  "ecg.asystole",
  "ecg.vf",
  "ecg.vt",
  "ecg.flat",
  "ecg.lead_off",
  "link.lost",
  "disk.low",
  "device.monitor.silent",
  "monitor.apnoea",
  "monitor.battery",
  "news2.high",
  "news2.red",
  "shock_index.high",
  "not_measured.ecg",
  "not_measured.news2",
  "not_measured.shock_index",
  "not_measured.monitor",
  "patient",
] as const;

/** What the alarm says, without its numbers. */
export function alarmWords(t: T, { code, text }: Said): string {
  const fixed = FIXED.find((each) => each === code);
  if (fixed !== undefined) {
    const said = t(`alarm.is.${keyOf(fixed)}`);
    return fixed === "ecg.lead_off" && text !== null && text.length < 24 ? `${said} ${text}` : said;
  }
  const [family = "", subject = "", side] = code.split(".");
  const what = whatOf(t, subject);
  switch (family) {
    case "limit":
      return t(side === "low" ? "alarm.tooLow" : "alarm.tooHigh", { what });
    case "not_measured":
      return t("alarm.notMeasured", { what });
    case "device":
      return t("alarm.deviceLost", { what: wordOf(t, "device.name", subject) });
    case "camera":
      return t("alarm.cameraFault", { camera: subject });
    case "monitor":
      return t("alarm.monitorSays", { text: text ?? subject });
    default:
      return wordOf(t, "alarm.code", code);
  }
}

/** Its numbers: "82 %, limit 85"; of what is not measured any more, what it was. Empty without any. */
export function alarmNumbers(t: T, { code, value, limit }: Said): string {
  if (value === null) return "";
  const [family, subject = ""] = code.split(".");
  const name = measurementOf(subject);
  if (code.startsWith("disk.")) return t("alarm.freeMb", { value });
  const shown = name === null ? String(value) : `${valueText(name, { value, capturedUtcUs: 0 })} ${t(`unit.${name}`)}`;
  if (family === "not_measured") return t("alarm.was", { value: shown });
  const isScore = family === "news2";
  return limit === null || isScore ? shown : `${shown} · ${t("alarm.limit", { limit })}`;
}

function whatOf(t: T, subject: string): string {
  const name = measurementOf(subject);
  if (name === null) return subject;
  return name === "systolic_mmhg" ? t("vitals.systolic_mmhg") : t(`vitals.${name}`);
}

function measurementOf(subject: string): Measurement | null {
  return MEASUREMENTS.find((each) => each === subject) ?? null;
}

type Underscored<S extends string> = S extends `${infer A}.${infer B}` ? `${A}_${Underscored<B>}` : S;

function keyOf<C extends (typeof FIXED)[number]>(code: C): Underscored<C> {
  return code.replaceAll(".", "_") as Underscored<C>;
}
