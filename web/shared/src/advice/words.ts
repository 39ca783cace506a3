/** A drug in words: the dose exactly as it was ordered, in the reader's language. */

import i18next from "i18next";

import type { T } from "../i18n/index.ts";
import type { Medication } from "../wire/advice.ts";

type Named = { nameEn: string; nameZh: string };

/** The name in the reader's language, and in the other one. */
export function drugNames(drug: Named): [string, string] {
  return i18next.language === "zh-CN" ? [drug.nameZh, drug.nameEn] : [drug.nameEn, drug.nameZh];
}

/** No digit is rounded away: what is shown is what was ordered. */
export function amountText(amount: number, unit: string): string {
  return `${String(amount)} ${unit === "ug" || unit.startsWith("ug/") ? unit.replace("ug", "µg") : unit}`;
}

export function drugText(t: T, drug: Medication): string {
  const rate = drug.rate === null || drug.rateUnit === null ? "" : ` · ${amountText(drug.rate, drug.rateUnit)}`;
  return `${drugNames(drug)[0]} ${amountText(drug.dose, drug.unit)} · ${t(`order.route.${drug.route}`)}${rate}`;
}

/** Read what was typed as a dose: a plain decimal number, or null. */
export function readDose(typed: string): number | null {
  const text = typed.trim().replace(",", ".");
  if (!/^\d{1,6}(\.\d{1,4})?$/.test(text)) return null;
  const value = Number(text);
  return value > 0 ? value : null;
}
