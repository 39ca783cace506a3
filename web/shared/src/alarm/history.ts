/** Alarms from beginning to end, out of their records in whatever order those come. Pure. */

import type { Alarm, AlarmPriority } from "../wire/bodies.ts";

export type AlarmEpisode = {
  alarmId: string;
  code: string;
  priority: AlarmPriority;
  raisedUtcUs: number;
  value: number | null;
  limit: number | null;
  text: string | null;
  acknowledgedBy: string | null;
  /** Null: it stands, or its end has not arrived. */
  clearedUtcUs: number | null;
  cause: string | null;
};

const RANK = { high: 2, medium: 1, low: 0 } as const;
const MOST = 500;

export class AlarmHistory {
  private readonly byId = new Map<string, AlarmEpisode>();

  take(alarm: Alarm, capturedUtcUs: number): void {
    const known = this.byId.get(alarm.alarmId);
    const begun = alarm.raisedUtcUs ?? capturedUtcUs;
    const isWorse = known === undefined || RANK[alarm.priority] > RANK[known.priority];
    const isCleared = alarm.state === "cleared";
    this.byId.set(alarm.alarmId, {
      alarmId: alarm.alarmId,
      code: alarm.code,
      priority: isWorse ? alarm.priority : known.priority,
      raisedUtcUs: Math.min(begun, known?.raisedUtcUs ?? begun),
      value: isWorse ? alarm.value : known.value,
      limit: isWorse ? alarm.limit : known.limit,
      text: alarm.text ?? known?.text ?? null,
      acknowledgedBy: alarm.by ?? known?.acknowledgedBy ?? null,
      clearedUtcUs: isCleared ? capturedUtcUs : (known?.clearedUtcUs ?? null),
      cause: isCleared ? alarm.cause : (known?.cause ?? null),
    });
    if (this.byId.size > MOST) {
      const oldest = this.all().at(-1);
      if (oldest !== undefined) this.byId.delete(oldest.alarmId);
    }
  }

  /** Newest first. */
  all(): AlarmEpisode[] {
    return [...this.byId.values()].sort((a, b) => b.raisedUtcUs - a.raisedUtcUs || a.alarmId.localeCompare(b.alarmId));
  }
}
