import { useTranslation } from "react-i18next";

import { useRoomPart } from "../feed/context.tsx";
import type { Room } from "../feed/room.ts";
import { spanText, type T } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import { clockText } from "../units/index.ts";
import { AlarmShape } from "./AlarmBar.tsx";
import { alarmNumbers, alarmWords } from "./words.ts";

const CAUSES = ["ended", "not-measured", "acknowledged", "patient-gone"] as const;

/** The alarms of the last minutes, newest first: when, what, who saw it, and how it ended. */
export function AlarmLog({ room, minutes }: { room: Room; minutes: number }) {
  const { t } = useTranslation();
  useRoomPart(room, "alarms");
  const now = useNow();
  const since = now - minutes * 60_000_000;
  const shown = room.alarmHistory.filter((each) => (each.clearedUtcUs ?? now) >= since);
  if (shown.length === 0) return null;
  return (
    <ol className="gh-alarm-log gh-num" data-testid="alarm-log" aria-label={t("alarm.history")}>
      {shown.map((each) => (
        <li key={each.alarmId} data-testid={`alarm-log-${each.code}`} data-priority={each.priority} data-stands={each.clearedUtcUs === null}>
          <time>{clockText(each.raisedUtcUs, true)}</time>
          <AlarmShape priority={each.priority} size={15} />
          <b>{alarmWords(t, each)}</b>
          <span>{alarmNumbers(t, each)}</span>
          <span className="gh-dim">{each.acknowledgedBy === null ? "" : t("alarm.acknowledgedBy", { name: each.acknowledgedBy })}</span>
          <span className="gh-dim">
            {each.clearedUtcUs === null
              ? t("alarm.stands")
              : `${causeText(t, each.cause)} · ${spanText(t, Math.max(0, each.clearedUtcUs - each.raisedUtcUs))}`}
          </span>
        </li>
      ))}
    </ol>
  );
}

function causeText(t: T, cause: string | null): string {
  const known = CAUSES.find((each) => each === cause);
  return t(`alarm.cause.${known ?? "ended"}`);
}
