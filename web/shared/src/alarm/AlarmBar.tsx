import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { agoText, spanText } from "../i18n/index.ts";
import { useNow } from "../time/useNow.ts";
import type { AlarmPriority } from "../wire/bodies.ts";
import { AlarmSound } from "./sound.ts";
import { soundOf, type StandingAlarm, worstFirst } from "./standing.ts";
import { alarmNumbers, alarmWords } from "./words.ts";

/**
 * The one bar of standing alarms: the worst whole, the others behind a count that opens them.
 *
 * `staleUs`: how long ago this was last known to be so, where that is no longer live: then nothing
 * flashes or sounds, and the bar says its age; it never goes away by itself.
 */
export function AlarmBar({ alarms, staleUs = null, silence, onAcknowledge }: {
  alarms: readonly StandingAlarm[];
  staleUs?: number | null;
  /** The pause of the sound; absent: this screen makes none. */
  silence?: { untilUtcUs: number | null; onPause: () => void; onSound: () => void };
  onAcknowledge?: (alarm: StandingAlarm) => void;
}) {
  const { t } = useTranslation();
  const now = useNow();
  const [isOpen, setOpen] = useState(false);
  const ordered = worstFirst(alarms);
  const isStale = staleUs !== null;
  const until = silence?.untilUtcUs ?? null;
  const isSilent = until !== null && now < until;
  useAlarmSound(silence === undefined || isStale || isSilent ? null : soundOf(alarms));
  const [first, ...others] = ordered;
  if (first === undefined) return null;
  const tools = (
    <>
      {others.length > 0 && (
        <button type="button" className="gh-alarm-button" data-testid="alarm-more" aria-expanded={isOpen} onClick={() => { setOpen(!isOpen); }}>
          {isOpen ? t("alarm.fewer") : t("alarm.more", { count: others.length })}
          <Counts alarms={others} />
        </button>
      )}
      {silence !== undefined && (isSilent || soundOf(alarms) !== null) && (
        <button
          type="button"
          className="gh-alarm-button"
          data-testid="alarm-silence"
          aria-pressed={isSilent}
          onClick={isSilent ? silence.onSound : silence.onPause}
        >
          {isSilent ? t("alarm.silenced", { span: spanText(t, until - now) }) : t("alarm.silence")}
        </button>
      )}
    </>
  );
  return (
    <section className="gh-alarms gh-num" role="alert" aria-label={t("alarm.title")} data-testid="alarm-bar" data-count={alarms.length} data-stale={isStale}>
      <Row alarm={first} now={now} isStale={isStale} onAcknowledge={onAcknowledge}>
        {tools}
      </Row>
      {isOpen && others.map((alarm) => <Row key={alarm.alarmId} alarm={alarm} now={now} isStale={isStale} onAcknowledge={onAcknowledge} />)}
      {isStale && <p className="gh-alarms-stale" data-testid="alarm-stale">{t("alarm.asOf", { ago: agoText(t, staleUs) })}</p>}
    </section>
  );
}

function Row({ alarm, now, isStale, onAcknowledge, children }: {
  alarm: StandingAlarm;
  now: number;
  isStale: boolean;
  onAcknowledge?: ((alarm: StandingAlarm) => void) | undefined;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const numbers = alarmNumbers(t, alarm);
  return (
    <div className="gh-alarm" data-testid={`alarm-${alarm.code}`} data-priority={alarm.priority} data-state={alarm.state} data-stale={isStale}>
      <AlarmShape priority={alarm.priority} />
      <span className="gh-alarm-priority">{t(`alarm.${alarm.priority}`)}</span>
      <b className="gh-alarm-what">{alarmWords(t, alarm)}</b>
      {numbers !== "" && <span>{numbers}</span>}
      {alarm.isOver && <span className="gh-alarm-over">{t("alarm.over")}</span>}
      {alarm.raisedUtcUs !== null && <span className="gh-alarm-since">{agoText(t, Math.max(0, now - alarm.raisedUtcUs))}</span>}
      <div className="gh-spacer" />
      {alarm.state === "acknowledged" && (
        <span>{alarm.by === null ? t("alarm.acknowledged") : t("alarm.acknowledgedBy", { name: alarm.by })}</span>
      )}
      {alarm.state === "raised" && onAcknowledge !== undefined && (
        <button type="button" className="gh-alarm-button" data-testid={`acknowledge-${alarm.code}`} onClick={() => { onAcknowledge(alarm); }}>
          {t("alarm.acknowledge")}
        </button>
      )}
      {children}
    </div>
  );
}

/** Priority by shape as well as by colour: a triangle, a diamond, a bar, with three, two, one marks. */
export function AlarmShape({ priority, size = 22 }: { priority: AlarmPriority; size?: number }) {
  const marks = { high: "!!!", medium: "!!", low: "!" };
  const outline = { high: "M12 1.500 23 22H1z", medium: "M12 1 23 12 12 23 1 12z", low: "M3 5h18v14H3z" };
  return (
    <svg className="gh-alarm-shape" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={outline[priority]} fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
      <text x="12" y={priority === "high" ? 19 : 16} textAnchor="middle" fontSize="11" fontWeight="800" fill="currentColor">
        {marks[priority]}
      </text>
    </svg>
  );
}

/** How many of each priority, worst first; brief: all of them in the colour of the worst. */
export function Counts({ alarms, isBrief = false }: { alarms: readonly StandingAlarm[]; isBrief?: boolean }) {
  const { t } = useTranslation();
  const [worst] = isBrief ? worstFirst(alarms) : [];
  if (worst !== undefined) {
    return (
      <span className="gh-alarm-counts gh-num">
        <i data-priority={worst.priority} data-state={worst.state} title={`${t(`alarm.${worst.priority}`)} · ${alarmWords(t, worst)}`}>
          <AlarmShape priority={worst.priority} size={13} />
          {alarms.length}
        </i>
      </span>
    );
  }
  return (
    <span className="gh-alarm-counts gh-num">
      {(["high", "medium", "low"] as const).map((priority) => {
        const of = alarms.filter((each) => each.priority === priority);
        const isSeen = of.every((each) => each.state === "acknowledged");
        return of.length === 0 ? null : (
          <i key={priority} data-priority={priority} data-state={isSeen ? "acknowledged" : "raised"} title={t(`alarm.${priority}`)}>
            <AlarmShape priority={priority} size={13} />
            {of.length}
          </i>
        );
      })}
    </span>
  );
}

/** Sound while there is a reason to; null: silence. */
function useAlarmSound(priority: "high" | "medium" | null): void {
  const [sound] = useState(() => new AlarmSound());
  useEffect(() => {
    if (priority === null) sound.stop();
    else sound.start(priority);
  }, [sound, priority]);
  useEffect(
    () => () => {
      sound.stop();
    },
    [sound],
  );
}
