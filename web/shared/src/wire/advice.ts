/** Advice and orders of drugs. Mirrors `protocols/live/advice.py`, which is the code of record. */

import { Fields } from "./decode.ts";

export const ADVICE_STATES = [
  "sent",
  "delivered",
  "seen",
  "read_back",
  "confirmed",
  "administered",
  "declined",
  "expired",
  "lapsed",
  "withdrawn",
] as const;
export type AdviceState = (typeof ADVICE_STATES)[number];

/** Still to be answered by the crew. */
export const OPEN_STATES: ReadonlySet<AdviceState> = new Set<AdviceState>(["sent", "delivered", "seen", "read_back"]);

export const UNITS = ["mg", "g", "ug", "mL", "IU", "L/min"] as const;
export type DoseUnit = (typeof UNITS)[number];
export const ROUTES = ["oral", "sublingual", "buccal", "intranasal", "inhaled", "nebulised", "iv", "io", "im", "sc"] as const;
export type Route = (typeof ROUTES)[number];
export const PATIENT_CLASSES = ["adult", "child", "infant"] as const;
export type PatientClass = (typeof PATIENT_CLASSES)[number];

export type Medication = {
  drug: string;
  nameEn: string;
  nameZh: string;
  dose: number;
  unit: DoseUnit;
  route: Route;
  rate: number | null;
  rateUnit: string | null;
  patientClass: PatientClass;
  weightKg: number | null;
  usual: string;
  source: string;
  overrideReason: string | null;
  remark: string | null;
};

/** A picture for the crew; `standing`: whether whoever tells of it has it. `source`: a camera, or `ecg`. */
export type AdvicePicture = { widthPx: number; heightPx: number; capturedUtcUs: number; source: string; standing: (typeof PICTURE_STANDINGS)[number] };
export const PICTURE_STANDINGS = ["here", "coming", "lost"] as const;

/** One thing that happened to an advice; `misread` is a dose that was not the one ordered, `fetched` a picture that arrived. */
export type AdviceStep = { said: string; atUtcUs: number; by: string | null; detail: string | null };

export type Advice = {
  adviceId: string;
  encounterId: string;
  text: string;
  by: string;
  state: AdviceState;
  givenUtcUs: number;
  expiresUtcUs: number;
  answeredUtcUs: number | null;
  answeredBy: string | null;
  reason: string | null;
  readBack: string | null;
  administeredUtcUs: number | null;
  administeredDose: number | null;
  withdrawAskedUtcUs: number | null;
  medication: Medication | null;
  picture: AdvicePicture | null;
  steps: AdviceStep[];
};

export function readAdvice(f: Fields): Advice {
  const medication = f.objectOr("medication");
  const picture = f.objectOr("picture");
  return {
    // The vehicle keys its own list by the order that carried the advice; both are the one id.
    adviceId: f.textOr("advice_id") ?? f.text("order_id"),
    encounterId: f.textOr("encounter_id") ?? "",
    text: f.text("text"),
    by: f.text("by"),
    state: f.oneOf("state", ADVICE_STATES),
    givenUtcUs: f.number("given_utc_us"),
    expiresUtcUs: f.number("expires_utc_us"),
    answeredUtcUs: f.numberOr("answered_utc_us"),
    answeredBy: f.textOr("answered_by"),
    reason: f.textOr("reason"),
    readBack: f.textOr("read_back"),
    administeredUtcUs: f.numberOr("administered_utc_us"),
    administeredDose: f.numberOr("administered_dose"),
    withdrawAskedUtcUs: f.numberOr("withdraw_asked_utc_us"),
    medication: medication === null ? null : readMedication(medication),
    picture: picture === null ? null : readPicture(picture),
    steps: f.list("steps", (item, path) => {
      const step = Fields.of(item, path);
      return { said: step.text("said"), atUtcUs: step.number("at_utc_us"), by: step.textOr("by"), detail: step.textOr("detail") };
    }),
  };
}

function readPicture(f: Fields): AdvicePicture {
  return {
    widthPx: f.number("width_px"),
    heightPx: f.number("height_px"),
    capturedUtcUs: f.number("captured_utc_us"),
    source: f.text("source"),
    standing: f.oneOf("standing", PICTURE_STANDINGS),
  };
}

function readMedication(f: Fields): Medication {
  return {
    drug: f.text("drug"),
    nameEn: f.text("name_en"),
    nameZh: f.text("name_zh"),
    dose: f.number("dose"),
    unit: f.oneOf("unit", UNITS),
    route: f.oneOf("route", ROUTES),
    rate: f.numberOr("rate"),
    rateUnit: f.textOr("rate_unit"),
    patientClass: f.oneOf("patient_class", PATIENT_CLASSES),
    weightKg: f.numberOr("weight_kg"),
    usual: f.text("usual"),
    source: f.text("source"),
    overrideReason: f.textOr("override_reason"),
    remark: f.textOr("remark"),
  };
}
