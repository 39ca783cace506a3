import { AlarmShape, alarmWords, agoText, Counts, type UnitView, useNow } from "@goldenhour/shared";
import { useTranslation } from "react-i18next";

import { fleetAlarms } from "./board.ts";

const SHOWN = 4;

/** The alarms of the fleet in one line that is always there: how many, and the worst, each with its unit; a click chooses it. */
export function FleetAlarms({ units, onChoose }: { units: readonly UnitView[]; onChoose: (unit: string) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const all = fleetAlarms(units);
  return (
    <section className="op-alarms gh-num" aria-label={t("alarm.title")} data-testid="fleet-alarms" data-count={all.length}>
      <b>{t("alarm.title")}</b>
      {all.length === 0 && <span className="gh-dim">{t("alarm.none")}</span>}
      <Counts alarms={all.map((each) => each.alarm)} />
      {all.slice(0, SHOWN).map(({ unit, alarm }, index) => {
        const isLost = unit.link.state === "lost";
        return (
          <button
            key={`${unit.unit} ${alarm.code} ${index}`}
            type="button"
            className="gh-alarm"
            data-testid={`fleet-alarm-${unit.unit}`}
            data-priority={alarm.priority}
            data-state={alarm.state}
            data-stale={isLost}
            onClick={() => {
              onChoose(unit.unit);
            }}
          >
            <AlarmShape priority={alarm.priority} size={17} />
            <b>{unit.callSign}</b>
            <span className="gh-alarm-what">{alarmWords(t, alarm)}</span>
            {alarm.raisedUtcUs !== null && <span>{agoText(t, Math.max(0, now - alarm.raisedUtcUs))}</span>}
            {isLost && <span>{t("alarm.lastKnown")}</span>}
          </button>
        );
      })}
      {all.length > SHOWN && <span className="gh-dim">{t("alarm.more", { count: all.length - SHOWN })}</span>}
    </section>
  );
}
