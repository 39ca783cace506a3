import { useTranslation } from "react-i18next";

import type { ClockView } from "../wire/feed.ts";

/** Past this an order of events by their times may be wrong. Source: hub, `OFF_CLOCK_US`. */
export const SURE_WITHIN_US = 1_000_000;

/** Whether times by this clock may be shown as they are. A unit that has sent nothing has none. */
export function isSure(clock: ClockView): boolean {
  return clock.source === null || (clock.source !== "unset" && clock.errorUs !== null && clock.errorUs <= SURE_WITHIN_US);
}

/** Says that the times shown here are uncertain; nothing while they are sure. */
export function ClockNote({ clock }: { clock: ClockView }) {
  const { t } = useTranslation();
  if (isSure(clock)) return null;
  const isKnown = clock.errorUs !== null && clock.source !== "unset";
  const why = isKnown ? t("clock.within", { seconds: Math.ceil((clock.errorUs ?? 0) / 1_000_000) }) : t("clock.unknown");
  return (
    <span className="gh-clocknote gh-num" data-testid="clock-note" data-clock={clock.source ?? ""} title={why}>
      <svg width="15" height="15" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="2.4 2" />
        <path d="M8 4.4V8l2.4 1.6" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" />
      </svg>
      <b>{t("clock.uncertain")}</b>
      <span>{why}</span>
    </span>
  );
}
