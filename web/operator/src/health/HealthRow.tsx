import { agoText, bytesText, LinkShape, spanText, useNow, wordOf } from "@goldenhour/shared";
import { memo } from "react";
import { useTranslation } from "react-i18next";

import { problemText, severityOf, type UnitHealth } from "./fleetHealth.ts";

/** One vehicle in one line. */
export const HealthRow = memo(function HealthRow({ unit, isChosen, onChoose }: { unit: UnitHealth; isChosen: boolean; onChoose: (unit: string) => void }) {
  const { t } = useTranslation();
  const now = useNow();
  const waiting = unit.waitingRecords ?? 0;
  const fine = unit.devices.filter((device) => device.state === "ok").length;
  return (
    <div
      className="op-health-row"
      role="row"
      aria-selected={isChosen}
      data-testid={`health-row-${unit.unit}`}
      data-severity={severityOf(unit)}
      onClick={() => {
        onChoose(unit.unit);
      }}
    >
      <div role="gridcell" className="op-name">
        <i className="op-severity" aria-hidden="true" />
        {unit.callSign}
      </div>
      <div role="gridcell" className="op-problems">
        {unit.problems.map((problem) => (
          <span key={`${problem.code}-${problem.subject ?? ""}`} className="op-problem" data-severity={problem.severity}>
            {problemText(t, problem, unit.devices)}
          </span>
        ))}
      </div>
      <div role="gridcell">
        <span className="gh-link" data-state={unit.link}>
          <LinkShape state={unit.link} size={14} />
          <b>{t(`link.${unit.link}`)}</b>
        </span>
      </div>
      <div role="gridcell">
        {waiting > 0 && (
          <>
            {waiting.toLocaleString()} <span className="gh-dim">{bytesText(unit.waitingBytes ?? 0)}</span>
            {unit.drainS !== null && <span className="gh-dim"> · {t("link.left", { span: spanText(t, unit.drainS * 1_000_000) })}</span>}
          </>
        )}
      </div>
      <div role="gridcell">{unit.diskFreeBytes === null ? "" : bytesText(unit.diskFreeBytes)}</div>
      <div role="gridcell">{unit.clock === null ? "" : wordOf(t, "health.clock", unit.clock)}</div>
      <div role="gridcell">{unit.devices.length === 0 ? "" : `${fine} / ${unit.devices.length}`}</div>
      <div role="gridcell">{unit.cameras.length === 0 ? "" : unit.cameras.length}</div>
      <div role="gridcell">{versionOf(unit.software)}</div>
      <div role="gridcell" className="gh-dim">
        {unit.reportedUtcUs === null ? t(unit.light ? "health.lightOnly" : "health.never") : agoText(t, now - unit.reportedUtcUs)}
      </div>
    </div>
  );
});

/** "goldenhour 0.1.0" → "0.1.0": a column of its own needs no name in each line. */
function versionOf(software: string | null): string {
  return software?.replace(/^goldenhour\W/, "") ?? "";
}
