import { AlarmSound, declineRing, getRings, joinRing, type RingLine, scoreText, spanText, type T, useFeed, useFeedPhase, useNow, useRings } from "@goldenhour/shared";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

/** Who rings for this doctor: the one line that matters, and one click to join. */
export function RingBar({ onJoin }: { onJoin: (unit: string) => void }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const isOpen = useFeedPhase() === "open";
  const lines = useRings();
  const [sound] = useState(() => new AlarmSound());
  const isRinging = lines.some((each) => each.call === "ringing");
  useEffect(() => {
    if (!isOpen) return undefined;
    const abort = new AbortController();
    getRings(abort.signal).then(
      (all) => {
        feed.rings.takeAll(all);
      },
      () => undefined, // each change comes over the feed
    );
    return () => {
      abort.abort();
    };
  }, [feed, isOpen]);
  useEffect(() => {
    if (isRinging) sound.start("medium");
    else sound.stop();
    return () => {
      sound.stop();
    };
  }, [sound, isRinging]);
  if (lines.length === 0) return null;
  return (
    <ul className="doc-rings" aria-label={t("room.rings")}>
      {lines.map((each) => (
        <Line key={each.ringId} line={each} onJoin={onJoin} />
      ))}
    </ul>
  );
}

function Line({ line, onJoin }: { line: RingLine; onJoin: (unit: string) => void }) {
  const { t } = useTranslation();
  const feed = useFeed();
  const now = useNow();
  const join = () => {
    feed.enter(line.unit, line.encounterId); // the seat answers the ring; the rest is for the audit
    joinRing(line.ringId).catch(() => undefined);
    onJoin(line.unit);
  };
  return (
    <li className="gh-num" data-testid={`ring-${line.ringId}`} data-call={line.call} role="alert">
      <b>{line.callSign}</b>
      <span className="doc-ring-line">{lineText(t, line, now)}</span>
      <small>{t("room.ringingFor", { target: line.target, span: spanText(t, Math.max(0, now - line.askedUtcUs)) })}</small>
      <div className="gh-spacer" />
      {line.call === "ringing" && (
        <button
          type="button"
          className="doc-ring-no"
          data-testid="ring-decline"
          onClick={() => {
            declineRing(line.ringId).catch(() => undefined); // it was over already: the feed says so
          }}
        >
          {t("room.decline")}
        </button>
      )}
      <button type="button" className="doc-ring-yes" data-testid="ring-join" onClick={join}>
        {t("room.join")}
      </button>
    </li>
  );
}

/** "Chest pain 40 min · F 62 y · NEWS2 7 · ETA 11 min". */
export function lineText(t: T, line: RingLine, nowUtcUs: number): string {
  const sexes = ["female", "male", "other", "unknown"] as const;
  const sex = sexes.find((each) => each === line.sex && each !== "unknown");
  const parts = [
    line.complaint ?? t("room.noComplaint"),
    [sex === undefined ? "" : t(`patient.sex.${sex}`), line.ageYears === null ? "" : t("patient.age", { age: line.ageYears })].filter((each) => each !== "").join(" "),
    line.news2 === null ? "" : `NEWS2 ${scoreText(line.news2.low, line.news2.high)}`,
    line.etaUtcUs === null ? "" : line.etaUtcUs > nowUtcUs ? t("room.eta", { span: spanText(t, line.etaUtcUs - nowUtcUs) }) : t("room.etaNow"),
  ];
  return parts.filter((each) => each !== "").join(" · ");
}
