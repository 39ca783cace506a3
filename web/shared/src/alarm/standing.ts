/** Standing alarms: what a bar shows, worst first. Pure. */

import type { Fields } from "../wire/decode.ts";
import { ALARM_PRIORITIES, type AlarmPriority } from "../wire/bodies.ts";

export type StandingAlarm = {
  alarmId: string;
  code: string;
  priority: AlarmPriority;
  state: "raised" | "acknowledged";
  raisedUtcUs: number | null;
  value: number | null;
  limit: number | null;
  text: string | null;
  by: string | null;
  /** Its condition has ended, and nobody has seen it yet. */
  isOver: boolean;
};

/** An alarm of a unit's view or of the vehicle's state. */
export function readStanding(f: Fields): StandingAlarm {
  return {
    alarmId: f.text("alarm_id"),
    code: f.text("code"),
    priority: f.oneOf("priority", ALARM_PRIORITIES),
    state: f.oneOf("state", ["raised", "acknowledged"]),
    raisedUtcUs: f.numberOr("raised_utc_us"),
    value: f.numberOr("value"),
    limit: f.numberOr("limit"),
    text: f.textOr("text"),
    by: f.textOr("by"),
    isOver: f.flag("is_over"),
  };
}

const RANK: Readonly<Record<AlarmPriority, number>> = { high: 2, medium: 1, low: 0 };

/** Those not yet seen first, then by priority, then the newest. */
export function worstFirst(alarms: readonly StandingAlarm[]): StandingAlarm[] {
  return [...alarms].sort(
    (a, b) =>
      Number(a.state === "acknowledged") - Number(b.state === "acknowledged") ||
      RANK[b.priority] - RANK[a.priority] ||
      (b.raisedUtcUs ?? 0) - (a.raisedUtcUs ?? 0) ||
      a.alarmId.localeCompare(b.alarmId),
  );
}

/** How urgent a unit is: higher is worse, 0 is nothing; what nobody has seen outweighs all that is seen. */
export function urgencyOf(alarms: readonly StandingAlarm[]): number {
  return alarms.reduce((most, each) => Math.max(most, 1 + RANK[each.priority] + (each.state === "raised" ? 3 : 0)), 0);
}

/** What the sound is to be: the highest priority that nobody has seen; low makes none. */
export function soundOf(alarms: readonly StandingAlarm[]): "high" | "medium" | null {
  const waiting = alarms.filter((each) => each.state === "raised").map((each) => each.priority);
  if (waiting.includes("high")) return "high";
  return waiting.includes("medium") ? "medium" : null;
}
