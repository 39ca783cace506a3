import type { UnitView } from "@goldenhour/shared";

const WITH_PATIENT = new Set(["with_patient", "transporting", "at_hospital"]);

/** Whether a patient is in this unit's care. */
export function hasPatient(unit: UnitView): boolean {
  return unit.encounterId !== null || (unit.status !== null && WITH_PATIENT.has(unit.status));
}

/** Patients first, the sickest first; then the units that carry a monitor; then by call sign. */
export function sortForDoctor(units: readonly UnitView[]): { patients: UnitView[]; others: UnitView[] } {
  const worst = (unit: UnitView) => unit.news2?.high ?? -1;
  const byName = (a: UnitView, b: UnitView) => a.callSign.localeCompare(b.callSign, undefined, { numeric: true });
  const patients = units.filter(hasPatient).sort((a, b) => worst(b) - worst(a) || byName(a, b));
  const others = units.filter((each) => !hasPatient(each)).sort((a, b) => Number(a.light) - Number(b.light) || byName(a, b));
  return { patients, others };
}
