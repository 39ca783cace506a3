/** Orders of drugs, and advice taken back. */

import { type Advice, type DoseUnit, PATIENT_CLASSES, type PatientClass, readAdvice, type Route, ROUTES, UNITS } from "../wire/advice.ts";
import { Fields } from "../wire/decode.ts";
import { getJson, postJson } from "./client.ts";

export type Range = { least: number; most: number };

/** One way of giving a drug, with the usual range and whose word that is. */
export type Use = Range & {
  route: Route;
  classes: PatientClass[];
  unit: DoseUnit;
  perKg: boolean;
  cap: number | null;
  rate: (Range & { unit: string }) | null;
  source: string;
};

export type Drug = { drug: string; nameEn: string; nameZh: string; uses: Use[] };

export type Formulary = { edition: string; note: string; drugs: Drug[] };

export async function getFormulary(signal?: AbortSignal): Promise<Formulary> {
  const f = Fields.of(await getJson("/formulary", signal), "formulary");
  return { edition: f.text("edition"), note: f.textOr("note") ?? "", drugs: f.list("drugs", readDrug) };
}

function readDrug(value: unknown, path: string): Drug {
  const f = Fields.of(value, path);
  return { drug: f.text("drug"), nameEn: f.text("name_en"), nameZh: f.text("name_zh"), uses: f.list("uses", readUse) };
}

function readUse(value: unknown, path: string): Use {
  const f = Fields.of(value, path);
  const rate = f.objectOr("rate");
  const classes = f.texts("classes");
  return {
    route: f.oneOf("route", ROUTES),
    classes: PATIENT_CLASSES.filter((each) => classes.includes(each)),
    unit: f.oneOf("unit", UNITS),
    least: f.number("least"),
    most: f.number("most"),
    perKg: f.flag("per_kg"),
    cap: f.numberOr("cap"),
    rate: rate === null ? null : { unit: rate.text("unit"), least: rate.number("least"), most: rate.number("most") },
    source: f.text("source"),
  };
}

/** The usual range of `use` for a patient of this weight; null while the weight is needed and not known. */
export function usualOf(use: Use, weightKg: number | null): Range | null {
  if (!use.perKg) return { least: use.least, most: use.most };
  if (weightKg === null) return null;
  const bounded = (perKg: number) => Math.round(Math.min(perKg * weightKg, use.cap ?? Infinity) * 1000) / 1000;
  return { least: bounded(use.least), most: bounded(use.most) };
}

export type DrugOrder = {
  drug: string;
  dose: number;
  unit: DoseUnit;
  route: Route;
  rate: number | null;
  rateUnit: string | null;
  patientClass: PatientClass;
  weightKg: number | null;
  overrideReason: string | null;
  remark: string | null;
  validForS: number;
};

export async function orderDrug(encounterId: string, order: DrugOrder): Promise<Advice> {
  const answer = await postJson(`/encounters/${encodeURIComponent(encounterId)}/orders`, {
    drug: order.drug,
    dose: order.dose,
    unit: order.unit,
    route: order.route,
    rate: order.rate,
    rate_unit: order.rateUnit,
    patient_class: order.patientClass,
    weight_kg: order.weightKg,
    override_reason: order.overrideReason,
    remark: order.remark,
    valid_for_s: order.validForS,
  });
  return readAdvice(Fields.of(answer, "order"));
}

export async function withdrawAdvice(encounterId: string, adviceId: string): Promise<Advice> {
  const path = `/encounters/${encodeURIComponent(encounterId)}/advice/${encodeURIComponent(adviceId)}/withdraw`;
  return readAdvice(Fields.of(await postJson(path), "advice"));
}
