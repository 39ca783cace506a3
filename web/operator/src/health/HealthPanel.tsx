import { agoText, clockText, spanText, type T, useNow, wordOf } from "@goldenhour/shared";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { type Device, type Gap, getStreams, problemText, type StreamState, type UnitHealth } from "./fleetHealth.ts";
import { useAsked } from "./useAsked.ts";

const ASK_S = 5;

/** One vehicle: what is wrong, each stream's account, each device's, and the gaps in the record. */
export function HealthPanel({ unit, onClose }: { unit: UnitHealth; onClose: () => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const ask = useCallback((signal: AbortSignal) => getStreams(unit.unit, signal), [unit.unit]);
  const { answer, error } = useAsked(ask, ASK_S * 1_000);
  return (
    <div data-testid="health-panel" data-unit={unit.unit}>
      <header>
        <div>
          <h2>{unit.callSign}</h2>
          <span className="gh-dim">{unit.unit}</span>
        </div>
        <div className="gh-spacer" />
        <button type="button" className="gh-tool" aria-label={t("common.close")} onClick={onClose}>
          ✕
        </button>
      </header>
      <ul className="op-health-problems">
        {unit.problems.map((problem) => (
          <li key={`${problem.code}-${problem.subject ?? ""}`} data-severity={problem.severity}>
            {problemText(t, problem, unit.devices)}
          </li>
        ))}
      </ul>
      <p className="op-health-facts gh-dim">
        {[
          unit.rateBps === null ? null : t("health.rate", { rate: (unit.rateBps / 1_000).toFixed(1) }),
          unit.drainS === null ? null : t("health.drain", { span: spanText(t, unit.drainS * 1_000_000) }),
          unit.clockErrorUs === null ? null : `${t("health.columns.clock")} ±${(unit.clockErrorUs / 1_000).toFixed(1)} ms`,
        ]
          .filter((each) => each !== null)
          .join(" · ")}
      </p>
      {error !== null && (
        <p className="op-health-error" role="alert">
          {t("health.notLoaded", { seconds: ASK_S })}
        </p>
      )}
      {answer !== null && (
        <>
          <h3>
            {t("health.streams")}
            {answer.announcedUtcUs !== null && <span className="gh-dim"> {t("health.asOf", { ago: agoText(t, now - answer.announcedUtcUs) })}</span>}
          </h3>
          <Streams streams={answer.streams} />
          {answer.earlierJournals > 0 && <p className="gh-dim">{t("health.earlier", { count: answer.earlierJournals })}</p>}
          <h3>{t("health.gaps")}</h3>
          <Gaps gaps={answer.gaps} />
        </>
      )}
      {unit.devices.length > 0 && (
        <>
          <h3>{t("crew.devices")}</h3>
          {unit.devices.map((device) => (
            <DeviceLines key={device.name} device={device} now={now} />
          ))}
        </>
      )}
    </div>
  );
}

function Streams({ streams }: { streams: readonly StreamState[] }) {
  const { t } = useTranslation();
  const number = (value: number | null) => (value === null ? "—" : value.toLocaleString());
  return (
    <table className="op-streams">
      <thead>
        <tr>
          <th>{t("health.stream")}</th>
          <th>{t("health.accepted")}</th>
          <th>{t("health.received")}</th>
          <th>{t("health.above")}</th>
          <th>{t("health.waits")}</th>
        </tr>
      </thead>
      <tbody>
        {streams.map((each) => (
          <tr key={each.stream} data-testid={`stream-${each.stream}`}>
            <td>{wordOf(t, "health.streamName", each.stream)}</td>
            <td>{number(each.accepted)}</td>
            <td>{number(each.watermark)}</td>
            <td>{each.above === 0 ? "" : number(each.above)}</td>
            <td data-waits={(each.waits ?? 0) > 0}>{each.waits === 0 ? "" : number(each.waits)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Gaps({ gaps }: { gaps: readonly Gap[] }) {
  const { t } = useTranslation();
  if (gaps.length === 0) return <p className="gh-dim">{t("health.noGaps")}</p>;
  return (
    <ul className="op-gaps">
      {gaps.map((gap) => (
        <li key={`${gap.stream}-${gap.firstSeq}-${gap.fromUtcUs ?? 0}`}>
          <b>{wordOf(t, "health.streamName", gap.stream)}</b> {extentOf(t, gap)} <span className="gh-dim">{wordOf(t, "trend.reason", gap.reason)}</span>
        </li>
      ))}
    </ul>
  );
}

/** How much is missing, and from when. */
function extentOf(t: T, gap: Gap): string {
  if (gap.isOpen) return t("health.gapOpen", { seq: gap.lastSeq.toLocaleString() });
  const count = gap.lastSeq - gap.firstSeq + 1;
  if (gap.fromUtcUs === null || gap.toUtcUs === null) return t("health.gapUndated", { count });
  return t("health.gapSpan", { count, from: clockText(gap.fromUtcUs, true), to: clockText(gap.toUtcUs, true) });
}

function DeviceLines({ device, now }: { device: Device; now: number }) {
  const { t } = useTranslation();
  return (
    <div className="op-device" data-state={device.state}>
      <b>{wordOf(t, "device.name", device.name)}</b> {wordOf(t, "device.state", device.state)}
      <span className="gh-dim">
        {" "}
        {t("health.heard", { count: device.heard })}
        {device.lastHeardUtcUs !== null && <> · {t("health.lastHeard", { ago: agoText(t, now - device.lastHeardUtcUs) })}</>}
      </span>
      {device.rejected.length > 0 && (
        <dl>
          {device.rejected.map(([reason, count]) => (
            <div key={reason}>
              <dt>{wordOf(t, "device.reason", reason)}</dt>
              <dd>{count.toLocaleString()}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
