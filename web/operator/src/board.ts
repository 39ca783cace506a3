/** The list beside the map: what is counted, filtered and sorted. Pure. */

import { ageOf, type StandingAlarm, type UnitView, urgencyOf } from "@goldenhour/shared";

export const COLUMNS = ["callSign", "status", "since", "speed", "news2", "link", "waiting", "heard", "nodes"] as const;
export type Column = (typeof COLUMNS)[number];
export type Sort = { column: Column; isDown: boolean };

export const GROUPS = ["total", "available", "en_route", "on_scene", "patients", "at_hospital", "quiet", "waiting", "alarms"] as const;
export type Group = (typeof GROUPS)[number];

const PATIENT_STATES = new Set(["with_patient", "transporting"]);

/** Not heard: no position within its limit, or the hub says that the link is lost. */
export function isQuiet(unit: UnitView, nowUtcUs: number): boolean {
  return unit.link.state === "lost" || !unit.online || ageOf(unit.position?.capturedUtcUs, nowUtcUs, "position").kind !== "live";
}

export function isIn(unit: UnitView, group: Group, nowUtcUs: number): boolean {
  switch (group) {
    case "total":
      return true;
    case "patients":
      return unit.status !== null && PATIENT_STATES.has(unit.status);
    case "quiet":
      return isQuiet(unit, nowUtcUs);
    case "waiting":
      return unit.link.state === "store-and-forward" || unit.link.state === "recovering";
    case "alarms":
      return unit.alarms.length > 0;
    case "available":
    case "en_route":
    case "on_scene":
    case "at_hospital":
      return unit.status === group;
  }
}

export function countGroups(units: readonly UnitView[], nowUtcUs: number): Record<Group, number> {
  const counts: Record<Group, number> = { total: 0, available: 0, en_route: 0, on_scene: 0, patients: 0, at_hospital: 0, quiet: 0, waiting: 0, alarms: 0 };
  for (const unit of units) for (const group of GROUPS) if (isIn(unit, group, nowUtcUs)) counts[group] += 1;
  return counts;
}

const names = new Intl.Collator(undefined, { numeric: true });
const LINK_RANK = { lost: 0, unknown: 1, "store-and-forward": 2, recovering: 3, thin: 4, live: 5 } as const;

/** Medium and high alarms that nobody has seen stand above whatever the list is sorted by. */
const UNSEEN = 4;

/** What a column is sorted by; units without a value come last in either direction. */
function keyOf(unit: UnitView, column: Column): number | string | null {
  switch (column) {
    case "callSign":
      return unit.callSign;
    case "status":
      return unit.status;
    case "since":
      return unit.statusSinceUtcUs;
    case "speed":
      return unit.position?.speedMps ?? null;
    case "news2":
      return unit.news2?.high ?? null;
    case "link":
      return LINK_RANK[unit.link.state];
    case "waiting":
      return unit.link.waitingRecords;
    case "heard":
      return unit.position?.capturedUtcUs ?? null;
    case "nodes":
      return unit.nodes.length === 0 ? null : Math.max(...unit.nodes.map((each) => each.atUtcUs));
  }
}

export function sortUnits(units: readonly UnitView[], { column, isDown }: Sort): UnitView[] {
  const turn = isDown ? -1 : 1;
  return [...units].sort((a, b) => {
    const urgent = Math.max(0, urgencyOf(b.alarms) - UNSEEN) - Math.max(0, urgencyOf(a.alarms) - UNSEEN);
    if (urgent !== 0) return urgent;
    const one = keyOf(a, column);
    const two = keyOf(b, column);
    if (one === null || two === null) {
      if (one !== two) return one === null ? 1 : -1;
    } else if (one !== two) {
      return turn * (typeof one === "string" || typeof two === "string" ? names.compare(String(one), String(two)) : one - two);
    }
    return names.compare(a.callSign, b.callSign);
  });
}

/** The alarms of the whole fleet: the worst first, what nobody has seen before what is seen. */
export function fleetAlarms(units: readonly UnitView[]): { unit: UnitView; alarm: StandingAlarm }[] {
  const all = units.flatMap((unit) => unit.alarms.map((alarm) => ({ unit, alarm })));
  return all.sort(
    (a, b) =>
      urgencyOf([b.alarm]) - urgencyOf([a.alarm]) ||
      (b.alarm.raisedUtcUs ?? 0) - (a.alarm.raisedUtcUs ?? 0) ||
      names.compare(a.unit.callSign, b.unit.callSign),
  );
}

/** `words`: what a status is called on this screen, so that one may type what one reads. */
export function filterUnits(
  units: readonly UnitView[],
  group: Group,
  text: string,
  nowUtcUs: number,
  words: (unit: UnitView) => string,
): UnitView[] {
  const wanted = text.trim().toLowerCase().split(/\s+/).filter((each) => each !== "");
  return units.filter((unit) => {
    if (!isIn(unit, group, nowUtcUs)) return false;
    const all = `${unit.unit} ${unit.callSign} ${words(unit)}`.toLowerCase();
    return wanted.every((each) => all.includes(each));
  });
}
