import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useRoomPart } from "../feed/context.tsx";
import type { Room } from "../feed/room.ts";
import { agoText, spanText, wordOf } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import { AlarmSound } from "./sound.ts";

const SILENCE_US = 120_000_000;

/** The standing alarms of a unit, highest first; sounds until acknowledged or silenced. */
export function AlarmBar({ room }: { room: Room }) {
  const { t } = useTranslation();
  useRoomPart(room, "alarms");
  const now = useNow();
  const [silentUntil, setSilentUntil] = useState(0);
  const [sound] = useState(() => new AlarmSound());
  const alarms = room.alarms();
  const worst = alarms.find((each) => each.state === "raised")?.priority ?? null;
  const isSilent = now < silentUntil;
  useEffect(() => {
    if (worst === null || isSilent) sound.stop();
    else sound.start(worst);
  }, [sound, worst, isSilent]);
  useEffect(
    () => () => {
      sound.stop();
    },
    [sound],
  );
  if (alarms.length === 0) return null;
  return (
    <div style={{ display: "grid", gap: 4 }} role="alert">
      {alarms.map((alarm) => (
        <div key={alarm.alarmId} className="gh-alarm gh-num" data-priority={alarm.priority} data-state={alarm.state}>
          <AlarmShape priority={alarm.priority} />
          {t(`alarm.${alarm.priority}`)} · {wordOf(t, "alarm.code", alarm.code)}
          {alarm.value !== null && ` ${alarm.value}`}
          {alarm.limit !== null && <span>{t("alarm.limit", { limit: alarm.limit })}</span>}
          <span>{agoText(t, now - alarm.capturedUtcUs)}</span>
          <div className="gh-spacer" />
          {alarm.state === "acknowledged" && (
            <span>{alarm.by === null ? t("alarm.acknowledged") : t("alarm.acknowledgedBy", { name: alarm.by })}</span>
          )}
          {alarm.state === "raised" && alarm.priority === worst && (
            <button
              type="button"
              className="gh-plain"
              data-testid="alarm-silence"
              onClick={() => {
                setSilentUntil(isSilent ? 0 : now + SILENCE_US);
              }}
            >
              {isSilent ? t("alarm.silenced", { span: spanText(t, silentUntil - now) }) : t("alarm.silence")}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}

/** Priority by shape: three, two, one marks. */
function AlarmShape({ priority }: { priority: "high" | "medium" | "low" }) {
  const marks = { high: "!!!", medium: "!!", low: "!" };
  return <b aria-hidden="true">{marks[priority]}</b>;
}
