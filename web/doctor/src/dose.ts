import type { PatientClass, Range } from "@goldenhour/shared";

/** Mirrors `hub/consult/formulary.py`, which decides; here it is said before the order is sent. */
const ADULT_YEARS = 16;
const SLIP = 5;

export type Verdict = "none" | "usual" | "beyond" | "slip";

export function classOfAge(ageYears: number | null): PatientClass | null {
  if (ageYears === null) return null;
  if (ageYears < 1) return "infant";
  return ageYears < ADULT_YEARS ? "child" : "adult";
}

const worst = (verdicts: readonly Verdict[]): Verdict => (["none", "slip", "beyond", "usual"] as const).find((each) => verdicts.includes(each)) ?? "none";

function one(amount: number | null, usual: Range | null): Verdict {
  if (amount === null || usual === null) return "none";
  if (amount >= usual.most * SLIP || amount <= usual.least / SLIP) return "slip";
  return amount < usual.least || amount > usual.most ? "beyond" : "usual";
}

/** How a dose and its rate, if there is one, stand to what is usual. */
export function judge(dose: number | null, usual: Range | null, rate: number | null, usualRate: Range | null): Verdict {
  return worst([one(dose, usual), ...(rate === null ? [] : [one(rate, usualRate)])]);
}
